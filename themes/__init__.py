"""Themes: each folder here holds ``theme.toml``, ``templates/`` and ``static/`` and may replace any template of the core."""
