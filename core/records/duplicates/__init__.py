"""Records that may be one and the same: told by rules, scored, and merged."""
