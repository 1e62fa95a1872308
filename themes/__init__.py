"""Themes: each folder here holds ``theme.toml``, ``templates/`` and ``static/``."""
