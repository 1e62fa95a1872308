"""The composer of a record page: a tab for every channel that somebody can write through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import render_template, request

from core.admin.drawing import drawn, mending
from core.admin.ids import not_found
from core.admin.list_rows import address
from core.story import Channel

if TYPE_CHECKING:
    from core.admin.record_view import RecordView


def composer(view: RecordView, record: Any) -> list[dict[str, Any]]:
    """The tabs in order of weight. The one named by ``?tab=`` is open, otherwise the first.

    The forms of the others come when somebody turns to them: drawing all five took a tenth of the page's time.
    """
    channels = _channels(view, record)
    asked = request.args.get("tab")
    chosen = asked if any(asked == name for name, _plugin, _channel in channels) else None
    chosen = chosen or next((name for name, _plugin, _channel in channels), None)
    here = view.get_url(".details_view", id=record.id)
    return [
        _tab(here, name, channel)
        | {"active": name == chosen}
        | (_drawn(view, plugin, channel, record) if name == chosen or channel.at_once else {})
        for name, plugin, channel in channels
    ]


def composer_tab(view: RecordView, record: Any, name: str) -> str:
    """What stands in the tab called ``name``, for a page that is open already."""
    found = next((entry for entry in _channels(view, record) if entry[0] == name), None) or not_found()
    _name, plugin, channel = found
    return render_template("nova/_composer_tab.html", channel=_drawn(view, plugin, channel, record))


def _channels(view: RecordView, record: Any) -> list[tuple[str, str, Channel]]:
    """The channels with their names on the page and their plugins."""
    answers = view.site.hooks.notify("channels", guard=mending(view.session), record=record)
    channels = [
        (f"{plugin}-{channel.name}", plugin, channel)
        for plugin, given in answers
        for channel in given or ()
        if isinstance(channel, Channel)
    ]
    return sorted(channels, key=lambda entry: entry[2].weight)


def _tab(here: str, name: str, channel: Channel) -> dict[str, Any]:
    """A tab of the page at ``here``, whose form is still to come."""
    return {
        "name": name,
        "label": channel.label,
        "icon": channel.icon,
        "url": f"{address(here, {'tab': name})}#composer",
        "part_url": f"{here}/composer/{quote(name)}",
    }


def _drawn(view: RecordView, plugin: str, channel: Channel, record: Any) -> dict[str, Any]:
    """The form of a channel, or the plugin's name where it cannot be drawn."""
    context = {"record": record, "url": channel.url, **channel.context}
    html, error = drawn(view.session, plugin, channel.template, context)
    return {"html": html, "error": error, "part_url": ""}
