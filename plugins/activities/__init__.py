"""Tasks, calls and meetings about any record: what is due, what came of it, and what is next."""
