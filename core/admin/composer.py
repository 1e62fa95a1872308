"""The composer of a record page: a tab for every channel that somebody can write through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request

from core.admin.drawing import drawn, mending
from core.story import Channel

if TYPE_CHECKING:
    from core.admin.record_view import RecordView


def composer(view: RecordView, record: Any) -> list[dict[str, Any]]:
    """The tabs in order of weight. The one named by ``?tab=`` is open, otherwise the first."""
    answers = view.site.hooks.notify("channels", guard=mending(view.session), record=record)
    channels = [
        (plugin, channel) for plugin, given in answers for channel in given or () if isinstance(channel, Channel)
    ]
    channels.sort(key=lambda pair: pair[1].weight)
    tabs = [_tab(view, plugin, channel, record) for plugin, channel in channels]
    chosen = next((tab for tab in tabs if tab["name"] == request.args.get("tab")), None) or (tabs[0] if tabs else None)
    for tab in tabs:
        tab["active"] = tab is chosen
    return tabs


def _tab(view: RecordView, plugin: str, channel: Channel, record: Any) -> dict[str, Any]:
    name = f"{plugin}-{channel.name}"
    context = {"record": record, "url": channel.url, **channel.context}
    html, error = drawn(view.session, plugin, channel.template, context)
    return {
        "name": name,
        "label": channel.label,
        "icon": channel.icon,
        "html": html,
        "error": error,
        "url": view.get_url(".details_view", id=record.id, tab=name, _anchor="composer"),
    }
