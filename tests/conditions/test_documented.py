"""Every example of docs/conditions.md is read and run, and its table of operators is the table of the program."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from flask_babel import force_locale

from core.records.conditions import current_context, matches, parse, sentence, to_sql
from core.records.conditions.operators import FAMILIES
from core.testing.installation import TestInstallation

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "conditions.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- ([\w.]+) -->\n```json\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_every_example_runs(make_site: Callable[..., TestInstallation], dialect: str) -> None:
    assert len(EXAMPLES) == TEXT.count("```json")
    installation = make_site("sales", dialect=dialect)
    from plugins.contacts.models import Company, Person
    from plugins.sales.models import Deal

    with installation.acting("user") as session:
        company = Company(name="Initech", city="Shiraz")
        session.add_all([Person(first_name="Ada", company=company), Deal(name="Printers", company=company)])
        session.commit()
        for name, text in EXAMPLES:
            record_type = installation.site.catalog.find(name)
            condition = parse(json.loads(text), record_type)
            model, context = record_type.model, current_context()
            found = set(session.scalars(sa.select(model).where(to_sql(condition, model, context))).unique())
            for record in session.scalars(sa.select(model)).unique():
                assert matches(condition, record, context) is (record in found), text
            for language in ("en", "fa_IR"):
                with force_locale(language):
                    assert sentence(condition)


def test_the_table_of_operators_is_complete() -> None:
    rows = [re.findall(r"`(\w+)`", line) for line in TEXT.splitlines() if line.startswith("| ") and "`" in line]
    assert sorted(map(sorted, rows)) == sorted(sorted(family) for family in FAMILIES.values())
