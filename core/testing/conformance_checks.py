"""The conformance suite: what a plugin may do, what it may never do, and what it must leave behind: nothing.

A test module runs it over plugins of its choice:

    class TestOurs(Conformance):
        plugins = ("fleet", "tickets")
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from jinja2 import TemplateNotFound

from core import hookspecs
from core.admin.calendar import date_fields
from core.admin.lanes import lane_fields
from core.database import migrations
from core.database.base import plugin_tables
from core.database.word_index import has_word_index
from core.extension import graph
from core.extension.discovery import BUNDLED, FoundPlugin
from core.extension.manifest import FILE, read_manifest
from core.extension.preflight import preflight
from core.parts import ADMINISTRATOR
from core.records.record import Searchable
from core.site.plan import DISABLE, ENABLE, PURGE, UNINSTALL
from core.site.selection import LOADED, OFF
from core.site.site import Site
from core.testing import side_effects
from core.testing.installation import TestInstallation
from core.testing.samples import sample_record
from core.testing.texts import untranslated

MakeSite = Callable[..., TestInstallation]
GOOD_ENDINGS = frozenset({"CASCADE", "SET NULL"})
FORBIDDEN_IN_TEMPLATES = (
    (re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE), "an inline script"),
    (re.compile(r"<style\b", re.IGNORECASE), "an inline style sheet"),
    (re.compile(r"<[^>{]*\sstyle=", re.IGNORECASE), "a style attribute"),
    (re.compile(r"<[^>{]*\son[a-z]+=", re.IGNORECASE), "an inline event handler"),
    (re.compile(r"\|\s*safe\b"), "unescaped data (|safe)"),
    (re.compile(r"autoescape\s+false", re.IGNORECASE), "escaping switched off"),
    (re.compile(r"(?:src|href)=[\"']?(?:https?:)?//", re.IGNORECASE), "something loaded from elsewhere"),
)


@dataclass(frozen=True)
class Subject:
    """The plugin that is looked at; ``folder`` is set for one that lies in a folder of its own."""

    name: str
    folder: Path | None = None

    @classmethod
    def named(cls, text: str) -> Subject:
        """The plugin called ``text``, or the one in the folder ``text``."""
        folder = Path(text).resolve()
        if not (folder / FILE).is_file():
            return cls(text)
        name = read_manifest(folder).name
        return cls(name) if folder.parent == BUNDLED else cls(name, folder)

    def site(self, make_site: MakeSite, dialect: str = "sqlite", *, on: bool = True) -> TestInstallation:
        """An installation in which the plugin lies, switched on or not."""
        return make_site(
            *([self.name] if on else []), dialect=dialect, instance_plugins=(self.folder,) if self.folder else ()
        )

    def found(self, site: TestInstallation) -> FoundPlugin:
        """Where the plugin lies in ``site``."""
        found = site.site.plugins[self.name].found
        assert found is not None
        return found

    def needed(self, site: TestInstallation) -> list[str]:
        """The plugin behind everything it needs."""
        statuses = site.site.plugins
        return graph.requirements(self.name, {s.name: s.manifest for s in statuses.values() if s.manifest})


class Conformance:
    """The suite over the plugins named in ``plugins``, or on the command line."""

    plugins: ClassVar[Sequence[str]] = ()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One run of every test per plugin."""
        if "subject" in metafunc.fixturenames:
            names = self.plugins or metafunc.config.getoption("plugin_conformance")
            subjects = [Subject.named(name) for name in names]
            metafunc.parametrize("subject", subjects, ids=[subject.name for subject in subjects])

    # --- as it lies there

    def test_manifest_is_valid_and_everything_it_needs_is_here(self, subject: Subject, make_site: MakeSite) -> None:
        status = subject.site(make_site, on=False).site.plugins.get(subject.name)

        assert status is not None, f"No plugin called {subject.name} was found."
        assert status.error == ""
        assert status.observed == OFF

    def test_importing_it_changes_nothing_but_itself(self, subject: Subject, make_site: MakeSite) -> None:
        site = subject.site(make_site, on=False)

        assert side_effects.of_plugin(subject.needed(site), site.config.instance) == []

    def test_it_loads_alone_and_every_hook_exists(self, subject: Subject, make_site: MakeSite) -> None:
        site = subject.site(make_site, on=False)

        verdict = preflight(subject.needed(site), site.config.instance)

        assert verdict.passed, f"{verdict.error}\n{verdict.traceback}"

    def test_every_text_has_persian(self, subject: Subject, make_site: MakeSite) -> None:
        site = subject.site(make_site, on=False)

        assert untranslated(subject.found(site)) == []

    def test_templates_hold_data_and_no_code(self, subject: Subject, make_site: MakeSite) -> None:
        folder = subject.found(subject.site(make_site, on=False)).folder
        found = [
            f"{path.relative_to(folder)} holds {what}"
            for path in sorted(folder.glob("templates/**/*.html"))
            for pattern, what in FORBIDDEN_IN_TEMPLATES
            if pattern.search(path.read_text(encoding="utf-8"))
        ]
        stray = [
            str(path.relative_to(folder))
            for path in sorted(folder.glob("templates/**/*.html"))
            if not path.is_relative_to(folder / "templates" / subject.name)
        ]

        assert found == []
        assert stray == [], f"Templates lie in templates/{subject.name}/, or nobody finds them."

    # --- in the database

    def test_its_tables_are_what_its_models_say(self, subject: Subject, make_site: MakeSite, dialect: str) -> None:
        site = subject.site(make_site, dialect)
        with site.runtime.database.engine.connect() as connection:
            assert migrations.differences(connection, subject.name) == []

    def test_its_words_are_found_by_an_index(self, subject: Subject, make_site: MakeSite, dialect: str) -> None:
        site = subject.site(make_site, dialect)
        models = [entry.model for entry in site.site.catalog if entry.plugin == subject.name]
        tables = {str(sa.inspect(model).local_table.name) for model in models if issubclass(model, Searchable)}
        with site.runtime.database.engine.connect() as connection:
            slow = [table for table in sorted(tables) if not has_word_index(connection, table)]

        assert slow == [], "End the migration that creates a searchable table with index_words(op.get_bind(), table)."

    def test_its_foreign_keys_let_go(self, subject: Subject, make_site: MakeSite) -> None:
        subject.site(make_site)
        keys = [
            (table.name, constraint)
            for table in plugin_tables(subject.name)
            for constraint in table.foreign_key_constraints
            if not constraint.referred_table.name.startswith(f"{subject.name}_")
        ]
        holding = [f"{name} → {key.referred_table.name}" for name, key in keys if key.ondelete not in GOOD_ENDINGS]
        contradicting = [
            f"{name}.{column.name}"
            for name, key in keys
            for column in key.columns
            if key.ondelete == "SET NULL" and not column.nullable
        ]

        assert holding == [], "Keys to tables of others need ON DELETE CASCADE or SET NULL."
        assert contradicting == [], "These columns are set to NULL but do not allow it."

    def test_purging_it_leaves_nothing(self, subject: Subject, make_site: MakeSite, dialect: str) -> None:
        site = subject.site(make_site, dialect)
        installed = _schema(site, subject.name)

        for action in (DISABLE, UNINSTALL, PURGE):
            site.change(action, subject.name)
        purged = _schema(site, subject.name)
        site.change(ENABLE, subject.name)

        assert purged == {}
        assert _schema(site, subject.name) == installed

    # --- in a Site

    def test_everything_it_adds_carries_its_name(self, subject: Subject, make_site: MakeSite) -> None:
        site = subject.site(make_site)
        assert site.site.plugins[subject.name].observed == LOADED, site.site.plugins[subject.name].error
        on = _parts(site.site)
        site.change(DISABLE, subject.name)
        off = _parts(site.site)

        for kind, names in on.items():
            mine = ("/" + subject.name + "/",) if kind == "route" else (f"{subject.name}.", f"{subject.name}_")
            assert [name for name in sorted(names - off[kind]) if not name.startswith(mine)] == [], kind

    def test_switched_off_it_leaves_nothing(self, subject: Subject, make_site: MakeSite) -> None:
        site = subject.site(make_site)
        before = _schema(site, subject.name)
        folder = subject.found(site).folder

        site.change(DISABLE, subject.name)

        off = site.site
        assert _hooked(off, subject.name) == []
        for kind, names in _parts(off).items():
            mine = ("/" + subject.name + "/",) if kind == "route" else (f"{subject.name}.",)
            assert [name for name in names if name.startswith(mine)] == [], kind
        for path in folder.glob("templates/**/*.html"):
            with pytest.raises(TemplateNotFound):
                off.app.jinja_env.get_template(path.relative_to(folder / "templates").as_posix())

        site.change(ENABLE, subject.name)

        assert site.site.plugins[subject.name].observed == LOADED
        assert _schema(site, subject.name) == before

    @pytest.mark.parametrize("language", ["en", "fa"])
    def test_its_screens_answer(self, subject: Subject, make_site: MakeSite, language: str) -> None:
        site = subject.site(make_site)
        pages = _pages(site, subject.name)
        administrator, nobody = site.browser(ADMINISTRATOR), site.browser()

        for page in pages:
            answer = administrator.get(page, headers={"Accept-Language": language})
            assert answer.status_code == 200, f"{page}: {answer.status_code}"
            assert f'lang="{language}"' in answer.get_data(as_text=True), page

            refused = nobody.get(page, headers={"Accept": "text/html"})
            assert refused.status_code in (302, 404), f"{page} shows itself to nobody: {refused.status_code}"
            assert refused.status_code == 404 or refused.location.startswith("/sign-in"), page


def _schema(site: TestInstallation, plugin: str) -> dict[str, Any]:
    """The tables that carry the plugin's name, down to columns, keys and indexes."""
    with site.runtime.database.engine.connect() as connection:
        found = sa.inspect(connection)
        own = [name for name in found.get_table_names() if name.startswith(f"{plugin}_")]
        own += [name for name in [migrations.version_table(plugin)] if found.has_table(name)]
        return {
            name: (
                [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
                sorted(str(sorted(key.items(), key=str)) for key in found.get_foreign_keys(name)),
                sorted(str(index["name"]) for index in found.get_indexes(name)),
            )
            for name in sorted(own)
        }


def _parts(site: Site) -> dict[str, set[str]]:
    """The names of everything in a Site."""
    return {
        "route": {rule.rule for rule in site.app.url_map.iter_rules()},
        "endpoint": {rule.endpoint for rule in site.app.url_map.iter_rules()},
        "permission": set(site.permissions),
        "job": set(site.jobs),
        "schedule": {schedule.job for schedule in site.schedules},
        "screen": set(site.screens),
        "notification type": set(site.notification_types),
        "card": {f"{plugin}." for plugin, _card in site.cards},
        "menu line": {item.endpoint for _section, items in site.menu for item in items},
    }


def _hooked(site: Site, plugin: str) -> list[str]:
    """The hooks that ``plugin`` implements in ``site``."""
    specs = [name for name, spec in vars(hookspecs).items() if hasattr(spec, f"{hookspecs.NAMESPACE}_spec")]
    nothing = {name: dict.fromkeys(inspect.signature(getattr(hookspecs, name)).parameters) for name in specs}
    return [name for name in specs if plugin in {owner for owner, _call in site.hooks.each(name, **nothing[name])}]


def _pages(site: TestInstallation, plugin: str) -> list[str]:
    """The addresses of every screen of the plugin, with one record each."""
    screens = [screen for name, screen in site.site.screens.items() if name.startswith(f"{plugin}.")]
    pages = []
    site.user(ADMINISTRATOR)
    with site.acting() as session:
        for _owner, call in site.site.hooks.each("demo_data", session=session):
            call()
        session.flush()
        for screen in screens:
            record = sample_record(session, screen.model)
            address = f"/{screen.name.replace('.', '/')}/"
            pages += [address, f"{address}new", f"{address}{record.id}", f"{address}{record.id}/edit"]
            record_type = site.site.catalog.find(screen.name)
            pages += [f"{address}board"] if lane_fields(record_type) else []
            pages += [f"{address}calendar"] if date_fields(record_type) else []
        session.commit()
    return pages


class TestPlugin(Conformance):
    """The suite over the plugins of ``--plugin-conformance``."""
