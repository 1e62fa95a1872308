"""Tables and words of the plugin."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from core.database.migrations import differences
from core.testing.installation import TestInstallation

FOLDER = Path(__file__).parents[2] / "plugins" / "sales"
METHODS = [("**.py", "python"), ("**/templates/**", "jinja2")]
KEYWORDS = {"_": None, "_l": None, "ngettext": (1, 2)}


def test_migrations_make_what_the_models_say(make_site: Callable[..., TestInstallation], dialect: str) -> None:
    installation = make_site("contacts", "sales", dialect=dialect)
    with installation.runtime.database.engine.connect() as connection:
        assert list(differences(connection, "sales")) == []


def test_every_text_has_persian() -> None:
    source = FOLDER / "translations" / "fa_IR" / "LC_MESSAGES" / "messages.po"
    catalog = read_po(BytesIO(source.read_bytes()), locale="fa_IR")
    used = {message for _file, _line, message, *_rest in extract_from_dir(FOLDER, METHODS, keywords=KEYWORDS)}
    ids = {message if isinstance(message, str) else message[0] for message in used}
    told = {entry.id if isinstance(entry.id, str) else entry.id[0]: entry for entry in catalog if entry.id}
    assert ids == set(told)
    for entry in told.values():
        texts = [entry.string] if isinstance(entry.string, str) else list(entry.string)
        english = entry.id if isinstance(entry.id, str) else entry.id[0]
        for text in texts:
            assert text
            assert set(re.findall(r"%\(\w+\)s", text)) == set(re.findall(r"%\(\w+\)s", english))
