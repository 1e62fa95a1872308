"""Saved views of lists: what is shown of one record type, kept under a name and shared."""
