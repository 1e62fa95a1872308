"""Adds nothing to the site."""
