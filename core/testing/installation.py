"""A whole installation for a test: its own database, its own folder, the real Site."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.test import Client, TestResponse

from core.accounts import users
from core.accounts.actor import Actor, acting_as, as_system
from core.accounts.models import Role, User
from core.accounts.rights import actor_of
from core.accounts.roles import RecordRule, rules_of, save_role, set_field_rights, set_grants
from core.config import Config
from core.jobs.execution import perform_job
from core.jobs.models import QUEUED, JobRecord
from core.parts import ADMINISTRATOR
from core.site.dispatch import Application
from core.site.installation import prepare_core
from core.site.lifecycle import Lifecycle, started
from core.site.plan import ENABLE
from core.site.runtime import Runtime
from core.site.site import Site
from core.testing.servers import PostgresServer, create_database, drop_database

PASSWORD = "correct horse battery"  # noqa: S105 - of users that live as long as one test
TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
SECRET = b"0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"


class Browser(Client):
    """A WSGI client that sends the form token as a browser would."""

    token = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request; a changing one carries the token of the page read last."""
        if self.token and kwargs.get("method", "GET") not in ("GET", "HEAD"):
            headers = dict(kwargs.pop("headers", None) or {})
            headers.setdefault("X-CSRFToken", self.token)
            kwargs["headers"] = headers
        response = super().open(*args, **kwargs)
        if response.mimetype == "text/html":
            found = TOKEN.search(response.get_data(as_text=True))
            self.token = found[1] if found else self.token
        return response


@dataclass
class TestInstallation:
    """What the fixture ``make_site`` returns.

    ``site`` follows the generation; ``browser()`` is a client, signed in with a role or not.
    """

    __test__ = False

    config: Config
    runtime: Runtime
    application: Application = field(init=False)

    def __post_init__(self) -> None:
        self.application = Application(self.runtime)

    @property
    def site(self) -> Site:
        return self.runtime.current_site()

    @property
    def session(self) -> Session:
        return self.runtime.database.session()

    @contextlib.contextmanager
    def acting(self, role: str | None = None) -> Iterator[Session]:
        """A unit of work: as the installation itself, or as a user with a role."""
        site = self.site
        with site.app.test_request_context("/"):
            who = as_system("test") if role is None else acting_as(self.actor(role))
            with who:
                yield self.session

    def actor(self, role: str) -> Actor:
        """An actor with everything the role grants."""
        user = self.user(role)
        with self.site.app.app_context(), as_system("test"):
            return actor_of(self.session.merge(user), address="")

    def user(self, role: str = ADMINISTRATOR) -> User:
        """The one test user of a role, made when first asked for."""
        email = f"{role}@example.com"
        with self.site.app.app_context(), as_system("test"):
            session = self.session
            found = session.query(User).filter_by(email=email).one_or_none()
            if found is None:
                found = users.create_user(session, email, role.title(), PASSWORD, role)
                session.commit()
            session.refresh(found)
            return found

    def grant(
        self,
        role: str,
        scopes: Mapping[str, str] | None = None,
        *,
        fields: Mapping[str, Mapping[str, str]] | None = None,
        rules: Sequence[RecordRule] = (),
    ) -> None:
        """Make a role, unless it is there, and let it grant.

        Args:
            role: its name, by which ``user``, ``acting`` and ``browser`` know it afterwards.
            scopes: how far it grants each permission: ``none``, ``own``, ``team``, ``teams`` or ``all``.
            fields: the fields of each record type that it hides or lets be read: ``hidden``, ``read`` or ``edit``.
            rules: its record rules, instead of those it had.
        """
        with self.site.app.app_context(), as_system("test"):
            session = self.session
            found = session.query(Role).filter_by(name=role).one_or_none()
            if found is None:
                found = Role(name="")
                save_role(session, found, role)
                session.flush()
            set_grants(session, found, scopes or {})
            for record_type, accesses in (fields or {}).items():
                set_field_rights(session, found, record_type, accesses)
            for rule in rules_of(session, found):
                session.delete(rule)
            session.add_all(RecordRule(role_id=found.id, record_type=rule.record_type, name=rule.name,
                                       verbs=rule.verbs, condition=rule.condition) for rule in rules)
            session.commit()

    def browser(self, role: str | None = None) -> Browser:
        """A client; with a role it is signed in through the sign-in page."""
        browser = Browser(self.application)
        if role is not None:
            self.user(role)
            browser.get("/sign-in")
            answer = browser.post("/sign-in", data={"email": f"{role}@example.com", "password": PASSWORD})
            assert answer.status_code == 302, answer.get_data(as_text=True)
            browser.get("/not-there")  # of all pages that carry the token the one that is drawn fastest
        return browser

    def change(self, action: str, name: str) -> None:
        """Enable, disable, uninstall or purge a plugin, as the modules page would."""
        with started(self.runtime) as lifecycle, as_system("test"):
            lifecycle.apply(action, name)

    def lifecycle(self) -> contextlib.AbstractContextManager[Lifecycle]:
        """The lifecycle itself, for looking at plans."""
        return started(self.runtime)

    def run_jobs(self, limit: int = 100) -> int:
        """Run everything that is queued, in this process; how many jobs that were."""
        done = 0
        while done < limit:
            with self.site.app.app_context(), as_system("test"):
                due = (JobRecord.status == QUEUED, JobRecord.run_after.is_(None))
                query = self.session.query(JobRecord.id).filter(*due)
                job_id = query.order_by(JobRecord.created_at).limit(1).scalar()
                self.runtime.database.session.remove()
            if job_id is None:
                return done
            perform_job(self.runtime, job_id, "test")
            done += 1
        raise AssertionError(f"More than {limit} jobs were queued.")

    def close(self) -> None:
        """Let go of the database."""
        self.runtime.database.dispose()


class QuickRuntime(Runtime):
    """A Runtime in whose Sites passwords are hashed as always, but so that it costs nothing to guess them.

    What is set here only counts for hashes that such a Site makes; others are checked as they were made.
    """

    def build(self) -> Site:
        """Build the Site of the current generation."""
        site = super().build()
        security = site.app.extensions["security"]
        security.pwd_context.update(argon2__time_cost=1, argon2__memory_cost=8)
        return site


class Installations:
    """Makes installations quickly: each set of plugins is installed once and copied from then on.

    Args:
        folder: where instances and templates lie.
        postgres: gives the PostgreSQL server when one is wanted.
        redis_url: the Redis of every installation made.
    """

    def __init__(self, folder: Path, postgres: Callable[[], PostgresServer], redis_url: str) -> None:
        self.folder = folder
        self.postgres = postgres
        self.redis_url = redis_url
        self._templates: dict[tuple[object, ...], str] = {}
        self._made = 0

    def make(
        self, dialect: str, plugins: tuple[str, ...], instance_plugins: tuple[Path, ...] = (), **settings: Any
    ) -> TestInstallation:
        """A fresh installation with ``plugins`` on.

        Args:
            dialect: ``sqlite`` or ``postgresql``.
            plugins: names of plugins to switch on.
            instance_plugins: folders to copy into the instance's ``plugins/`` before the Site is built.
            settings: fields of ``Config`` to change.
        """
        self._made += 1
        instance = self.folder / f"instance{self._made}"
        instance.mkdir(parents=True)
        _lay(instance_plugins, instance)
        template = self._template(dialect, plugins, instance_plugins if plugins else ())
        return self._start(instance, self._copy(dialect, template, instance), **settings)

    def database(self, dialect: str, plugins: tuple[str, ...], folder: Path) -> str:
        """The URL of a database of one's own with ``plugins`` on, for what is started otherwise.

        Args:
            dialect: ``sqlite`` or ``postgresql``.
            plugins: names of plugins that are on.
            folder: where the file of SQLite is put; made when missing.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return self._copy(dialect, self._template(dialect, plugins), folder)

    def keep(self, installation: TestInstallation) -> str:
        """Keep the database of an installation as it is now; the URL of a copy, for ``put_back``."""
        installation.close()
        self._made += 1
        folder = self.folder / f"kept{self._made}"
        folder.mkdir()
        dialect = "sqlite" if installation.runtime.database.is_sqlite else "postgresql"
        return self._copy(dialect, installation.config.database_url, folder)

    def put_back(self, installation: TestInstallation, kept: str) -> None:
        """Give an installation the database that was kept, as if its process began anew; nothing else is undone."""
        installation.close()
        url = installation.config.database_url
        if installation.runtime.database.is_sqlite:
            for left in installation.config.instance.glob("peyvand.db-*"):
                left.unlink()
            self._copy("sqlite", kept, installation.config.instance)
        else:
            drop_database(self.postgres(), url)
            create_database(self.postgres(), kept, at=url)
        installation.runtime = QuickRuntime(installation.config)
        installation.application = Application(installation.runtime)

    def remove(self, installation: TestInstallation) -> None:
        """Let go of an installation that was made here, and of its folder and database."""
        installation.close()
        if not installation.runtime.database.is_sqlite:
            drop_database(self.postgres(), installation.config.database_url)
        # Of a plugin that lies there modules may be imported yet; the folder of all installations goes in the end.
        if not (installation.config.instance / "plugins").exists():
            shutil.rmtree(installation.config.instance, ignore_errors=True)

    def _template(self, dialect: str, plugins: tuple[str, ...], instance_plugins: tuple[Path, ...] = ()) -> str:
        """The database with ``plugins`` on that is copied."""
        key = (dialect, plugins, *map(_state_of, instance_plugins))
        if key in self._templates:
            return self._templates[key]
        # With what all but the last of them need, which another test wants or has wanted too.
        before = self._template(dialect, plugins[:-1], instance_plugins if plugins[1:] else ()) if plugins else None
        folder = self.folder / f"template{len(self._templates)}"
        folder.mkdir(parents=True)
        _lay(instance_plugins, folder)
        url = self._copy(dialect, before, folder) if before else self._fresh(dialect, folder)
        made = self._start(folder, url)
        if plugins:
            made.change(ENABLE, plugins[-1])
        else:
            prepare_core(made.runtime)
        made.close()
        self._templates[key] = url
        return url

    def _fresh(self, dialect: str, folder: Path) -> str:
        return f"sqlite:///{folder / 'peyvand.db'}" if dialect == "sqlite" else create_database(self.postgres())

    def _copy(self, dialect: str, template: str, instance: Path) -> str:
        if dialect == "sqlite":
            # The last connection of the template checkpointed its log, so the file is whole.
            shutil.copyfile(template.removeprefix("sqlite:///"), instance / "peyvand.db")
            return f"sqlite:///{instance / 'peyvand.db'}"
        return create_database(self.postgres(), template)

    def _start(self, instance: Path, url: str, **settings: Any) -> TestInstallation:
        environ = {
            "PEYVAND_INSTANCE": str(instance),
            "PEYVAND_DATABASE_URL": url,
            "PEYVAND_REDIS_URL": self.redis_url,
            "PEYVAND_SECRET_KEY": SECRET.decode(),
        }
        environ |= {f"PEYVAND_{name.upper()}": str(value) for name, value in settings.items()}
        config = Config.load(environ)
        return TestInstallation(config, QuickRuntime(config))


def _lay(plugins: tuple[Path, ...], instance: Path) -> None:
    """Copy folders of plugins into an instance."""
    for source in plugins:
        shutil.copytree(source, instance / "plugins" / source.name)


def _state_of(folder: Path) -> tuple[object, ...]:
    """Something that is another when a file of ``folder`` is another."""
    files = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    return (folder, *((path, status.st_mtime_ns, status.st_size) for path, status in files))
