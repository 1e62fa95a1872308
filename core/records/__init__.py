"""What a record is, who may see it, what changed and what follows."""
