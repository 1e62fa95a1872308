"""The history of this plugin's tables."""
