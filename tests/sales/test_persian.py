"""The Persian of the plugin; that it is complete, and that the tables fit the models, the conformance suite says."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from babel.messages.pofile import read_po

PERSIAN = Path(__file__).parents[2] / "plugins" / "sales" / "translations" / "fa_IR" / "LC_MESSAGES" / "messages.po"
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def test_persian_keeps_what_is_filled_in() -> None:
    entries = [entry for entry in read_po(BytesIO(PERSIAN.read_bytes()), locale="fa_IR") if entry.id]
    assert entries
    for entry in entries:
        english = entry.id if isinstance(entry.id, str) else entry.id[0]
        for text in [entry.string] if isinstance(entry.string, str) else entry.string:
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(english)), english
