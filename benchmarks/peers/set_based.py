"""The least an import of people can cost: rows copied beside the tables, compared and inserted in three statements.

No validation, no rights, no history: the floor below ours.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.loading import Loader
from benchmarks.people import NOW
from core.text import fold_both, sort_key

STAGED = ("n", "first_name", "last_name", "name", "job_title", "email", "phone", "city", "name_sort", "search_text",
          "name_key")  # fmt: skip
_NEW = """
    FROM staged s WHERE NOT EXISTS (SELECT 1 FROM contacts_email e WHERE e.address = s.email)
    AND NOT EXISTS (SELECT 1 FROM contacts_phone p WHERE p.number = s.phone)
"""


def bring_in(loader: Loader, path: Path) -> float:
    """Insert the people of ``path`` whom neither address nor number gives away as known; returns seconds."""
    begun = time.perf_counter()
    types = ", ".join(f"{name} {'bigint' if name == 'n' else 'text'}" for name in STAGED)
    loader.run("DROP TABLE IF EXISTS staged")
    loader.run(f"CREATE {'TABLE' if loader.is_sqlite else 'UNLOGGED TABLE'} staged ({types})")
    loader.load("staged", STAGED, _rows(path))
    (last,) = loader.run("SELECT max(id) FROM contacts_contact")[0]
    moment = f"'{NOW}'"
    loader.run(
        "INSERT INTO contacts_contact (id, created_at, updated_at, version, kind, private, status, name, name_sort, "
        "name_key, search_text, first_name, last_name, job_title, city) "
        f"SELECT {last} + s.n, {moment}, {moment}, 1, 'person', false, 'prospect', s.name, s.name_sort, s.name_key, "
        f"s.search_text, s.first_name, s.last_name, s.job_title, s.city {_NEW}"
    )
    for table, column, value in (("contacts_email", "address", "email"), ("contacts_phone", "number", "phone")):
        loader.run(
            f"INSERT INTO {table} (contact_id, label, {column}) "  # noqa: S608 - names of ours
            f"SELECT {last} + s.n, 'work', s.{value} FROM staged s "
            f"WHERE EXISTS (SELECT 1 FROM contacts_contact c WHERE c.id = {last} + s.n)"
        )
    seconds = time.perf_counter() - begun
    for statement in (
        f"DELETE FROM contacts_email WHERE contact_id > {last}",  # noqa: S608
        f"DELETE FROM contacts_phone WHERE contact_id > {last}",  # noqa: S608
        f"DELETE FROM contacts_contact WHERE id > {last}",  # noqa: S608
        "DROP TABLE staged",
    ):
        loader.run(statement)
    return seconds


def _rows(path: Path) -> Iterator[tuple[object, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        for n, row in enumerate(csv.DictReader(file), 1):
            name = f"{row['First name']} {row['Last name']}"
            words = " ".join((name, row["Phone"], row["E-mail"], row["City"]))
            yield (n, row["First name"], row["Last name"], name, row["Job title"], row["E-mail"], row["Phone"],
                   row["City"], sort_key(name)[:400], fold_both(words), fold_both(name).replace(" ", ""))  # fmt: skip
