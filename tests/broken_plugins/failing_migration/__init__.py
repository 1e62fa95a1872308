"""Stops in the middle of making its tables."""
