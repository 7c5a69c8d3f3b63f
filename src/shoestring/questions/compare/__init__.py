"""Is one arm better than another, and by how much?"""
