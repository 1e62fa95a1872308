"""The data of a run, put into a fresh installation."""

from __future__ import annotations

import json

from benchmarks import people
from benchmarks.loading import Loader
from benchmarks.people import NOW, Size
from core.testing.serving import ServedInstallation

# The peers sort all contacts by name, where every list of ours is of one kind; they get the index that serves that.
ORDER_OF_PEERS = "ix_peers_name_sort"
STORY = 500  # entries in the story of the one record that is looked at
STAGES = (("Qualified", 20), ("Contacted", 30), ("Proposal", 50), ("Negotiation", 70), ("Contract", 85), ("Paid", 95))


def fill(served: ServedInstallation, size: Size) -> int:
    """Load everything; returns the id of the person whose story has 500 entries."""
    loader = Loader(served.config.database_url)
    for n in range(1, people.OWNERS + 1):
        if not loader.run("SELECT 1 FROM core_user WHERE id = %s", n):
            loader.run(
                "INSERT INTO core_user (id, email, name, active, fs_uniquifier, language, calendar, digits, theme, "
                "timezone, create_datetime, update_datetime) VALUES (%s, %s, %s, %s, %s, '', '', '', '', '', %s, %s)",
                n, f"owner{n}@mail.example", f"Owner {n}", True, f"owner{n}", str(NOW), str(NOW),
            )  # fmt: skip
    with loader.without_indexes("contacts_contact"):
        loader.load("contacts_contact", people.CONTACT, people.contacts(size))
    first = size.companies + 1
    parts = (("contacts_phone", "number", people.phone), ("contacts_email", "address", people.email))
    for table, column, value in parts:
        rows = ((n, n, "mobile" if column == "number" else "work", value(n)) for n in range(first, size.contacts + 1))
        with loader.without_indexes(table):
            loader.load(table, ("id", "contact_id", "label", column), rows)
    (pipeline,) = loader.run("SELECT id FROM sales_pipeline ORDER BY position, id LIMIT 1")[0]
    loader.run("DELETE FROM sales_stage")
    for n, (name, probability) in enumerate(STAGES, 1):
        loader.run(
            "INSERT INTO sales_stage (id, created_at, updated_at, version, pipeline_id, name, position, kind, "
            "probability, color) VALUES (%s, %s, %s, 1, %s, %s, %s, 'open', %s, 'blue')",
            n, str(NOW), str(NOW), pipeline, name, n, probability,
        )  # fmt: skip
    stages = list(range(1, len(STAGES) + 1))
    with loader.without_indexes("sales_deal"):
        loader.load("sales_deal", people.DEAL, people.deals(size, int(str(pipeline)), stages))
    stays = ((n, n, stages[n % len(stages)], NOW) for n in range(1, size.deals + 1))
    with loader.without_indexes("sales_stage_change"):
        loader.load("sales_stage_change", ("id", "deal_id", "stage_id", "entered_at"), stays)
    with loader.without_indexes("activities_activity"):
        loader.load("activities_activity", people.ACTIVITY, people.activities(size))
    _write_story(loader, first + 1)
    _advance_sequences(loader)
    loader.run(f"CREATE INDEX {ORDER_OF_PEERS} ON contacts_contact (name_sort)")
    # As it is in a database in use: a table through which PostgreSQL has not gone yet is counted row by row.
    loader.run("ANALYZE" if loader.is_sqlite else "VACUUM ANALYZE")
    loader.close()
    return first + 1


def _write_story(loader: Loader, person: int) -> None:
    changes = json.dumps({"job_title": ["Buyer", "Planner"]})
    audit = ("at", "actor_id", "actor_name", "source", "address", "reason", "record_type", "record_id", "action",
             "changes")  # fmt: skip
    change = (NOW, 1, "Owner 1", "web", "", "", "contacts.person", person, "changed", changes)
    loader.load("core_audit", audit, (change for _ in range(STORY // 2)))
    notes = (("contacts.person", person, f"Spoke on the phone, call {n}.", 1, NOW) for n in range(STORY // 2))
    loader.load("core_note", ("record_type", "record_id", "body", "author_id", "created_at"), notes)


def _advance_sequences(loader: Loader) -> None:
    if loader.is_sqlite:
        return
    for table in ("core_user", "contacts_contact", "contacts_phone", "contacts_email", "sales_stage", "sales_deal",
                  "sales_stage_change", "activities_activity"):  # fmt: skip
        loader.run(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")  # noqa: S608


def drop_order_of_peers(loader: Loader) -> None:
    """Drop the index for pages of peers; nobody needs it to bring rows in, and everybody would have to write it."""
    loader.run(f"DROP INDEX {ORDER_OF_PEERS}")
