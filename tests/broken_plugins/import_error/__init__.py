"""Fails when it is imported."""
