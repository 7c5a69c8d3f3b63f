"""What a question would take and could find, before its budget is spent."""
