"""What rooms hand each other: orders and observations, findings, and the answer."""
