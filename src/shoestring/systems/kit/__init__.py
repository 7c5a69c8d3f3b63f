"""What several systems share; it knows none of them."""
