"""What Peyvand is measured against: other programs over the very same tables, and plain SQL."""
