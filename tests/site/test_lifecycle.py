"""Plugins go from one state to another, and a plan says beforehand what that means."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core.errors import LifecycleError
from core.site.runtime import Runtime
from core.site.state import read_generation, wanted_states
from core.testing.installation import PASSWORD, TestInstallation
from plugins.contacts.models import Person

MakeSite = Callable[..., TestInstallation]


def tables(installation: TestInstallation, prefix: str) -> set[str]:
    names = sa.inspect(installation.runtime.database.engine).get_table_names()
    return {name for name in names if name.startswith(prefix)}


def state(installation: TestInstallation, name: str) -> str | None:
    with installation.runtime.database.autocommit() as connection:
        row = wanted_states(connection).get(name)
    return row.state if row else None


def test_enabling_brings_what_is_needed_first(make_site: MakeSite, dialect: str) -> None:
    installation = make_site(dialect=dialect)
    with installation.lifecycle() as lifecycle:
        plan = lifecycle.plan("enable", "sales")
    assert [(step.plugin, step.action) for step in plan.steps] == [
        ("contacts", "install"),
        ("contacts", "enable"),
        ("sales", "install"),
        ("sales", "enable"),
    ]
    assert tables(installation, "contacts_") == set()
    installation.change("enable", "sales")
    assert installation.site.info.enabled == ("contacts", "sales")
    assert "sales_deal" in tables(installation, "sales_")


def test_disabling_takes_dependants_along_and_keeps_the_data(make_site: MakeSite, dialect: str) -> None:
    installation = make_site("contacts", "sales", dialect=dialect)
    before = tables(installation, "")
    with installation.lifecycle() as lifecycle:
        plan = lifecycle.plan("disable", "contacts")
        assert [step.plugin for step in plan.steps] == ["sales", "contacts"]
        assert plan.tables["contacts_contact"] == 0
    installation.change("disable", "contacts")
    site = installation.site
    assert site.info.enabled == ()
    assert not [rule for rule in site.app.url_map.iter_rules() if rule.rule.startswith(("/sales", "/contacts"))]
    assert not [
        name for name in (*site.jobs, *site.permissions, *site.screens) if name.startswith(("sales.", "contacts."))
    ]
    assert tables(installation, "") == before
    installation.change("enable", "sales")
    assert installation.site.info.enabled == ("contacts", "sales")


def test_the_generation_changes_with_the_state_and_not_otherwise(make_site: MakeSite) -> None:
    installation = make_site()

    def generation() -> int:
        with installation.runtime.database.autocommit() as connection:
            return read_generation(connection)

    first = generation()
    installation.site, installation.browser().get("/sign-in")
    assert generation() == first
    installation.change("enable", "contacts")
    assert generation() == first + 1


def test_what_is_posted_to_an_older_site_is_done_once_and_by_the_current_one(make_site: MakeSite, dialect: str) -> None:
    installation = make_site("contacts")
    browser, visitor = installation.browser("administrator"), installation.browser()
    visitor.get("/sign-in")
    elsewhere = TestInstallation(installation.config, Runtime(installation.config, kind="web"))
    elsewhere.change("enable", "sales")
    assert installation.runtime.site.info.enabled == ("contacts",)
    answer = browser.post("/contacts/person/new", data={"first_name": "Leila", "last_name": "Sadeghi"})
    assert answer.status_code == 302
    assert installation.runtime.site.info.enabled == ("contacts", "sales")
    with installation.acting() as session:
        assert session.scalars(sa.select(Person.name)).all() == ["Leila Sadeghi"]
    elsewhere.change("disable", "sales")
    known = {"email": "administrator@example.com", "password": PASSWORD}
    assert visitor.post("/sign-in", data=known).status_code == 302
    assert installation.runtime.site.info.enabled == ("contacts",)
    elsewhere.close()


def test_uninstall_and_purge_go_step_by_step(make_site: MakeSite, dialect: str) -> None:
    installation = make_site("contacts", dialect=dialect)
    with pytest.raises(LifecycleError, match="switched off"):
        installation.change("uninstall", "contacts")
    installation.change("disable", "contacts")
    with pytest.raises(LifecycleError, match="uninstalled module"):
        installation.change("purge", "contacts")
    installation.change("uninstall", "contacts")
    assert "contacts_contact" in tables(installation, "contacts_")
    installation.change("purge", "contacts")
    assert tables(installation, "contacts_") == set()
    assert tables(installation, "alembic_version_contacts") == set()
    assert state(installation, "contacts") is None
    (saved,) = (installation.config.instance / "exports").glob("contacts-*.zip")
    assert saved.stat().st_mode & 0o077 == 0
    installation.change("enable", "contacts")
    assert "contacts_contact" in tables(installation, "contacts_")


def test_a_module_that_others_need_cannot_be_uninstalled_first(make_site: MakeSite) -> None:
    installation = make_site("contacts", "sales")
    installation.change("disable", "contacts")
    with pytest.raises(LifecycleError, match="sales needs it"):
        installation.change("uninstall", "contacts")


def test_an_unknown_module_is_refused(make_site: MakeSite) -> None:
    with pytest.raises(LifecycleError, match="no module called nothing"):
        make_site().change("enable", "nothing")


def test_one_change_at_a_time(make_site: MakeSite, dialect: str) -> None:
    from core.site.locking import one_change_at_a_time

    installation = make_site(dialect=dialect)
    database, instance = installation.runtime.database, installation.config.instance
    with one_change_at_a_time(database, instance), pytest.raises(LifecycleError, match="under way"):
        installation.change("enable", "contacts")
    installation.change("enable", "contacts")


def test_enable_disable_enable_leaves_the_schema_as_it_was(make_site: MakeSite, dialect: str) -> None:
    installation = make_site("contacts", "sales", dialect=dialect)

    def schema() -> object:
        metadata = sa.MetaData()
        metadata.reflect(installation.runtime.database.engine)
        return {t.name: sorted((c.name, str(c.type)) for c in t.columns) for t in metadata.sorted_tables}

    before = schema()
    installation.change("disable", "contacts")
    installation.change("enable", "sales")
    assert schema() == before


def test_a_plugin_keeps_its_tables_when_one_with_a_shorter_name_goes() -> None:
    from core.database.base import owner_of

    plugins = {"sales", "sales_quotes"}
    assert owner_of("sales_quotes_line", plugins) == "sales_quotes"
    assert owner_of("sales_deal", plugins) == "sales"
    assert owner_of("sales_quotes_line", {"sales"}) == "sales"
    assert owner_of("contacts_tag", plugins) is None
