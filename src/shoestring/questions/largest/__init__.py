"""What is the largest size that is still solved?"""
