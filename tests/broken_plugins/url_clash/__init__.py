"""Takes an address of the core."""
