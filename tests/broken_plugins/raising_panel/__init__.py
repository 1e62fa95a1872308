"""Its panels fail."""
