"""A small plugin for tests."""
