"""What the colours of badges are called."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from core.parts import Label

COLOR_LABELS: dict[str, Label] = {
    "gray": _l("Gray"),
    "blue": _l("Blue"),
    "indigo": _l("Indigo"),
    "violet": _l("Violet"),
    "rose": _l("Rose"),
    "amber": _l("Amber"),
    "green": _l("Green"),
    "teal": _l("Teal"),
    "sky": _l("Sky blue"),
    "slate": _l("Slate"),
}
