"""Keeps personal data and tells nobody."""
