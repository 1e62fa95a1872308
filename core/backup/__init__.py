"""Copies of a whole installation: backup and restore, everything as open files, upgrade with a backup first."""
