"""The page of one record: its head, its fields, what is related to it, the panels of plugins, and its story."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.admin.composer import composer
from core.admin.drawing import drawn, mending
from core.admin.record_fields import field_groups, owner_field
from core.admin.record_head import head
from core.admin.related import read_related, related_panels
from core.admin.story_page import read_story, story
from core.parts import Panel
from core.records.kin import kin

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

_SLOTS = ("header", "side", "main")


def record_page(view: RecordView, record: Any) -> Any:
    """The page of ``record``."""
    around = kin(view.session, record)
    told = read_story(view, record, around)
    found = read_related(view, around.pointing, told.others(record))
    return view.render(
        "nova/record.html",
        model=record,
        title=str(record),
        owner=owner_field(view, record),
        groups=field_groups(view, record, around.authors),
        related=list(related_panels(view, record, around.pointing, found)),
        panels=_panels(view, record),
        channels=composer(view, record),
        **head(view, record, followed=around.followed),
        **story(view, record, around, told, {key: str(other) for key, other in found.items()}),
    )


def _panels(view: RecordView, record: Any) -> list[dict[str, Any]]:
    """The panels of all plugins, drawn one by one: one that fails shows a remark with its plugin's name."""
    answers = view.site.hooks.notify("record_panels", guard=mending(view.session), record=record)
    panels = [(plugin, panel) for plugin, given in answers for panel in given or ()]
    panels.sort(key=lambda pair: getattr(pair[1], "weight", 0))
    return [_panel(view, plugin, panel, record) for plugin, panel in panels]


def _panel(view: RecordView, plugin: str, panel: Panel, record: Any) -> dict[str, Any]:
    slot = panel.slot if panel.slot in _SLOTS else "side"
    html, error = drawn(view.session, plugin, panel.template, {"record": record, **panel.context})
    return {"slot": slot, "title": panel.title, "html": html, "error": error}
