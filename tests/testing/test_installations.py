"""Installations of tests are whole, their own, and gone afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from core.accounts.models import User
from core.testing.installation import PASSWORD, Installations, TestInstallation
from core.testing.servers import PostgresServer

PARCELS = Path(__file__).parents[1] / "site" / "parcels"
MakeSite = Callable[..., TestInstallation]


def users(installation: TestInstallation) -> int:
    with installation.acting() as session:
        return int(session.scalar(sa.select(sa.func.count(User.id))))


def test_what_one_installation_holds_no_other_has(make_site: MakeSite, dialect: str) -> None:
    first, second = make_site("contacts", dialect=dialect), make_site("contacts", dialect=dialect)
    first.user("user")
    assert (users(first), users(second), users(make_site("contacts", dialect=dialect))) == (1, 0, 0)


def test_a_changed_plugin_of_an_instance_is_installed_anew(make_site: MakeSite, tmp_path: Path) -> None:
    folder = tmp_path / "parcels"
    shutil.copytree(PARCELS, folder)
    first = make_site("parcels", instance_plugins=(folder,))
    manifest = folder / "plugin.toml"
    version = f'version = "{first.site.plugins["parcels"].manifest.version}"'
    assert version in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(version, 'version = "7.0.0"'))
    with make_site("parcels", instance_plugins=(folder,)).runtime.database.autocommit() as connection:
        stored = sa.text("SELECT version FROM core_plugin WHERE name = 'parcels'")
        assert connection.scalar(stored) == "7.0.0"


def test_a_removed_installation_leaves_neither_folder_nor_database(
    installations: Installations, postgres_server: PostgresServer
) -> None:
    made = installations.make("postgresql", ())
    name = made.config.database_url.rpartition("/")[2]
    engine = sa.create_engine(postgres_server.url)
    asked = sa.text("SELECT count(*) FROM pg_database WHERE datname = :name")
    with engine.connect() as connection:
        assert connection.scalar(asked, {"name": name}) == 1
        installations.remove(made)
        assert connection.scalar(asked, {"name": name}) == 0
    engine.dispose()
    assert not made.config.instance.exists()


def test_passwords_are_checked_as_always(make_site: MakeSite) -> None:
    site = make_site()
    site.user("user")
    browser = site.browser()
    for password, status in (("not the password", 200), (PASSWORD, 302)):
        browser.get("/sign-in")
        data = {"email": "user@example.com", "password": password}
        assert browser.post("/sign-in", data=data).status_code == status
