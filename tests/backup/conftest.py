"""Installations with records of every kind, and empty ones to restore into."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.config import Config
from core.records.attachments.attaching import attach
from core.records.attachments.storage import Storage
from core.records.note import add_note
from core.records.seals.sealing import seal_audit
from core.testing.installation import TestInstallation
from core.testing.servers import create_database, drop_database

PLUGINS = ("contacts", "sales")


@pytest.fixture
def full(make_site: Callable[..., TestInstallation], dialect: str) -> TestInstallation:
    """People, a company, a deal, a note, a file, and a sealed audit."""
    site = make_site(*PLUGINS, dialect=dialect)
    with site.acting() as session:
        from plugins.contacts.models import Company, Person

        company = Company(name="Karimi & Sons")
        people = [Person(first_name=f"نام {number}", last_name="O'Hara \\ x", company=company) for number in range(30)]
        session.add_all([company, *people])
        session.flush()
        add_note(people[0], "Called.\nWill call again.")
        storage = Storage(site.config.attachments)
        with storage.keeping():
            attach(people[0], storage, io.BytesIO(b"%PDF-1.4 hello"), "offer.pdf", limit=1 << 20, kinds=("pdf",))
            session.commit()
    seal_audit(site.runtime.database, site.config)
    return site


@pytest.fixture
def empty(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Config]]:
    """Makes the configuration of an installation that has nothing yet."""
    urls: list[str] = []

    def make(kind: str, like: Config, **values: Any) -> Config:
        instance = tmp_path / f"empty{len(urls)}"
        if kind == "sqlite":
            url = f"sqlite:///{instance / 'peyvand.db'}"
        else:
            url = create_database(request.getfixturevalue("postgres_server"))
        urls.append(url)
        return dataclasses.replace(like, instance=instance, database_url=url, **values)

    yield make
    for url in urls:
        if not url.startswith("sqlite"):
            drop_database(request.getfixturevalue("postgres_server"), url)
