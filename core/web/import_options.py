"""What is chosen beside the columns: how cells are read, which record a row is about, and what becomes of it."""

from __future__ import annotations

from typing import Any

import phonenumbers
from flask import request
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.database.types import DEFAULT_REGION
from core.records.transfer.cells import DAY_FIRST, MONTH_FIRST
from core.records.transfer.choices import BOTH, CREATE, EMPTY, FILL, KEEP, REPLACE, UPDATE, Choices
from core.records.transfer.encoding import ENCODINGS, SEPARATORS
from core.records.transfer.links import can_create
from core.records.transfer.matching import ALL, ANY
from core.records.transfer.models import ImportRun
from core.records.transfer.readers import Table
from core.records.transfer.targets import Target

DEFAULTS = 4  # values for columns that the file does not have
KEYS = 4  # fields by which a record is told at once
LONGEST_DEFAULT = 500
MODES = (
    (CREATE, _l("Add new records; leave those that exist")),
    (UPDATE, _l("Change records that exist; add none")),
    (BOTH, _l("Change those that exist, and add the others")),
)
MATCHES = ((ANY, _l("any of them, the first one first")), (ALL, _l("all of them")))
EXISTING = ((REPLACE, _l("is replaced")), (FILL, _l("is kept; only what is lacking is filled in")))
BLANKS = ((KEEP, _l("leaves the field as it is")), (EMPTY, _l("empties the field")))
SEPARATOR_LABELS = {",": _l("Comma"), ";": _l("Semicolon"), "\t": _l("Tab"), "|": _l("Vertical bar")}
ENCODING_LABELS = {
    "utf-8": "Unicode (UTF-8)",
    "utf-16": "Unicode (UTF-16)",
    "cp1256": _l("Persian and Arabic (Windows-1256)"),
    "cp1252": _l("Western European (Windows-1252)"),
}


def reading_options(run: ImportRun, table: Table | None) -> list[dict[str, Any]]:
    """The choices that say how the file's cells are read."""
    options = run.options
    locale = get_locale()
    names = locale.territories if locale else {}
    regions = sorted((str(names.get(code, code)), code) for code in phonenumbers.SUPPORTED_REGIONS)
    choices: list[dict[str, Any]] = [
        {"name": "region", "label": _("Phone numbers without a country code are of"),
         "value": options.get("region", DEFAULT_REGION), "options": [(code, name) for name, code in regions]},
        {"name": "date_order", "label": _("A date such as 3/4/1990 begins with"),
         "value": options.get("date_order", DAY_FIRST),
         "options": [(DAY_FIRST, _("the day")), (MONTH_FIRST, _("the month"))]},
    ]  # fmt: skip
    if table is None or table.kind == "csv":
        encoding = str(options.get("encoding") or "utf-8")
        codes = list(dict.fromkeys((encoding, *ENCODINGS)))
        choices += [
            {"name": "encoding", "label": _("Encoding of the file"), "value": encoding,
             "options": [(code, ENCODING_LABELS.get(code, code)) for code in codes]},
            {"name": "separator", "label": _("Columns are separated by"), "value": options.get("separator") or ",",
             "options": [(mark, SEPARATOR_LABELS[mark]) for mark in SEPARATORS]},
        ]  # fmt: skip
    return choices


def writing_options(run: ImportRun, target: Target) -> dict[str, Any]:
    """The choices that say what becomes of the rows, for the page of the columns."""
    choices = Choices.of(run.options, target)
    order = {key: place for place, key in enumerate(choices.keys)}
    keys = sorted(target.keys.items(), key=lambda entry: order.get(entry[0], len(order)))
    defaults = list(run.options.get("defaults", {}).items())
    return {
        "modes": MODES,
        "mode": choices.mode,
        "keys": [(name, label, name in order) for name, label in keys],
        "matches": MATCHES,
        "match": ALL if choices.together else ANY,
        "existing": EXISTING,
        "existing_choice": choices.existing,
        "blanks": BLANKS,
        "blank": choices.blank,
        "creatable": [
            (entry.name, entry.label, entry.name in choices.create) for entry in target.links if can_create(entry)
        ],
        "defaults": [*defaults, *[("", "")] * (DEFAULTS - len(defaults))],
    }


def chosen_options(target: Target) -> dict[str, Any]:
    """The options a form sent, as far as they are ones we know."""
    known = {
        "region": phonenumbers.SUPPORTED_REGIONS,
        "date_order": (DAY_FIRST, MONTH_FIRST),
        "encoding": (*ENCODINGS, "utf-8-sig", "utf-16-le", "utf-16-be"),
        "separator": SEPARATORS,
        "mode": dict(MODES),
        "match": dict(MATCHES),
        "existing": dict(EXISTING),
        "blank": dict(BLANKS),
    }
    sent = request.form
    options: dict[str, Any] = {name: sent[name] for name, values in known.items() if sent.get(name) in values}
    # A box without its tick is not sent, so a mark says that the boxes were there.
    if "ticks" in sent:
        options["keys"] = [name for name in sent.getlist("key") if name in target.keys][:KEYS]
        links = {entry.name for entry in target.links}
        options["create"] = [name for name in sent.getlist("create") if name in links]
        pairs = [(sent.get(f"default-{n}", ""), sent.get(f"default-{n}-value", "")) for n in range(DEFAULTS)]
        options["defaults"] = {
            name: text[:LONGEST_DEFAULT] for name, text in pairs if name in target.by_name and text.strip()
        }
    return options
