"""Does not come back when it is imported."""
