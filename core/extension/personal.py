"""Whoever keeps personal data says so: fields that are marked need the hook that finds and erases what is in them."""

from __future__ import annotations

from core.database.base import personal_names
from core.errors import PluginError
from core.extension.hooks import Hooks

NAMED = 3  # fields in the sentence


def check_personal_data(hooks: Hooks, plugin: str) -> None:
    """Refuse a plugin that marks fields as personal and does not implement ``personal_data``.

    Raises:
        PluginError: it does; a person's file would have a gap, and an erasure would leave something.
    """
    marked = personal_names(plugin)
    if marked and not hooks.implements("personal_data", plugin):
        named = ", ".join(marked[:NAMED]) + (" …" if marked[NAMED:] else "")
        raise PluginError(
            plugin, f"It marks fields as personal ({named}) and does not implement the hook personal_data."
        )
