"""A small application that shows the toys in the real admin, and browsers to visit it with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from html import unescape
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import Blueprint, Flask, g, request
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.test import TestResponse

from core.accounts.actor import NOBODY, Actor, acting_as, as_system
from core.admin.build import install_admin
from core.config import Config
from core.database.base import METADATA
from core.database.engine import Database
from core.database.word_index import index_words
from core.errors import ConditionError
from core.extension.hooks import Hooks
from core.hookspecs import hookimpl
from core.jobs.queue import JobQueue
from core.parts import Job, Screen, SiteInfo
from core.records.attachments.attaching import MAKE_THUMBNAIL
from core.records.catalog import Catalog
from core.records.events import DELIVER
from core.records.gate import GatedSession
from core.site import i18n, shell, theming
from core.web import hooks as core_hooks
from tests.admin.toys import EVERYTHING, KITES, MAKERS, PERMISSIONS, Kite, record_panels

ROOT = Path(__file__).parents[2]


class _Plugin(ModuleType):
    """The hooks of the toys; a module, as pluggy knows them."""


def hooks_of(**implementations: Callable[..., Any]) -> Hooks:
    """Hooks with the given functions as implementations of the plugin ``toys``."""
    module = _Plugin("toys_hooks")
    for name, function in implementations.items():
        setattr(module, name, hookimpl(function))
    hooks = Hooks()
    hooks.register("core", _record_page())
    hooks.register("toys", module)
    return hooks


def _record_page() -> ModuleType:
    """What the core itself adds to the page of a record."""
    module = _Plugin("core_hooks")
    module.timeline, module.channels = core_hooks.timeline, core_hooks.channels  # type: ignore[attr-defined]
    return module


class Toys:
    """The application, its database, and people who visit it.

    Args:
        screens: what is shown.
        hooks: what plugins add.
    """

    def __init__(
        self, config: Config, screens: Sequence[Screen] = (KITES, MAKERS), hooks: Hooks | None = None
    ) -> None:
        self.database = Database(config, GatedSession)
        # Other tests may have mapped plugins in this process; their tables are none of ours.
        self.tables = [table for table in METADATA.sorted_tables if table.name.startswith(("core_", "toys_"))]
        METADATA.create_all(self.database.engine, self.tables)
        with self.database.engine.begin() as connection:
            index_words(connection, "toys_kite")
        self.permissions = EVERYTHING
        self.person: int | None = None
        named = {screen.name: screen for screen in screens}
        self.site = SimpleNamespace(
            info=SiteInfo(generation=1, enabled=("toys",)),
            runtime=SimpleNamespace(database=self.database, config=config, queue=JobQueue(config)),
            hooks=hooks or hooks_of(record_panels=record_panels),
            screens=named,
            catalog=Catalog(named.values()),
            permissions=PERMISSIONS,
            jobs={name: Job(name=name, run=lambda *_, **__: None, label="") for name in (DELIVER, MAKE_THUMBNAIL)},
            grants={},
        )
        self.app = self._build(config)

    def _build(self, config: Config) -> Flask:
        app = Flask("core", static_folder=None, root_path=str(ROOT / "core"))
        app.config.update(SECRET_KEY=config.secret_key, TESTING=True, WTF_CSRF_TIME_LIMIT=None)
        app.add_url_rule("/static/<path:filename>", endpoint="static", build_only=True)
        app.extensions["peyvand"] = self.site
        CSRFProtect(app)
        i18n.install(app, [ROOT / "core" / "translations"])
        theming.install(app, theming.read_theme(), [("toys", Path(__file__).parent)], config.instance)
        # The pages of accounts have tests of their own; here only their addresses are needed.
        profile = Blueprint("profile", __name__, url_prefix="/profile")
        profile.add_url_rule("/", "index", lambda: "")
        profile.add_url_rule("/choose", "choose", lambda: "", methods=["POST"])
        app.register_blueprint(profile)
        app.add_url_rule("/sign-out", "security.logout", lambda: "", methods=["POST"])
        app.add_url_rule("/token", "token", generate_csrf)
        nobody = SimpleNamespace(is_authenticated=False)
        app.jinja_env.globals.update(
            site_menu=list, site_title=lambda: "Toys", search_url=lambda: None, current_user=nobody,
            theme_choice=lambda: "auto",
        )  # fmt: skip
        shell.install(app)
        app.register_error_handler(ConditionError, lambda error: (str(error), 400))  # as core.web.errors does
        app.before_request(self._enter)
        app.teardown_request(lambda _error: g.pop("acting", ExitStack()).close())
        app.teardown_appcontext(lambda _error: self.database.session.remove())
        install_admin(app, self.site)
        return app

    def _enter(self) -> None:
        g.acting = ExitStack()
        signed_in = "X-Nobody" not in request.headers
        actor = Actor(self.person, "Sara", permissions=self.permissions) if signed_in else NOBODY
        g.acting.enter_context(acting_as(actor))

    @contextmanager
    def work(self) -> Iterator[Any]:
        """A committed unit of work as the installation itself."""
        with self.app.test_request_context(), as_system("test"):
            session = self.database.session()
            yield session
            session.commit()

    def add(self, *rows: Any) -> list[int]:
        """Store ``rows`` and return their ids."""
        with self.work() as session:
            session.add_all(rows)
            session.flush()
            return [row.id for row in rows]

    def read(self, record_id: int) -> Kite:
        """The kite as it is stored, archived or not, with its links."""
        with self.work() as session:
            options = (selectinload(Kite.tails), selectinload(Kite.tags), joinedload(Kite.maker))
            statement = sa.select(Kite).where(Kite.id == record_id).options(*options)
            kite = session.scalars(statement.execution_options(include_archived=True)).one()
            session.expunge_all()
            return kite

    def count(self) -> int:
        """How many kites there are, archived ones too."""
        with self.work() as session:
            counted = sa.select(sa.func.count(Kite.id)).execution_options(include_archived=True)
            return int(session.scalar(counted))

    def empty(self) -> None:
        """Forget everything, so that the next test begins with an empty installation."""
        self.permissions, self.person = EVERYTHING, None
        with self.database.engine.begin() as connection:
            if self.database.is_sqlite:
                for table in reversed(self.tables):
                    connection.execute(table.delete())
            else:
                names = ", ".join(table.name for table in self.tables)
                connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")

    def browser(self) -> Browser:
        """A browser with an empty jar."""
        return Browser(self.app.test_client())


class Browser:
    """A client that sends the token of its session with every post."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        # Read to the end, as a browser does: a stream that nobody finishes would be closed outside its request.
        return self.client.get(path, **{"buffered": True, **kwargs})

    def post(self, path: str, data: Mapping[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        token = self.client.get("/token").text
        return self.client.post(path, data={"csrf_token": token, **(data or {})}, **kwargs)

    def act(self, action: str, *numbers: object, **more: Any) -> TestResponse:
        """Do something with chosen kites, as whoever confirms the question does."""
        data = {"action": action, "rowid": [str(number) for number in numbers], "confirmed": "1", "once": uuid4().hex}
        return self.post("/toys/kite/action", {**data, **more})

    def form(self, path: str) -> dict[str, Any]:
        """What the form at ``path`` would post if nobody changed it."""
        return posted_by(self.get(path).text)

    def flashed(self) -> list[tuple[str, str]]:
        """The messages that wait for the next page."""
        with self.client.session_transaction() as session:
            return list(session.get("_flashes", []))


def posted_by(html: str) -> dict[str, Any]:
    """The fields of the first form made by our form templates, as a browser without a script would post them."""
    form = html.split('class="admin-form"', 1)[1].split("</form>", 1)[0]
    form = re.sub(r"<template>.*?</template>", "", form, flags=re.DOTALL)
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, kind = _attribute(tag, "name"), _attribute(tag, "type")
        if not name or name.startswith(("del-", "csrf")) or (kind == "checkbox" and " checked" not in tag):
            continue
        fields[name] = _attribute(tag, "value") if kind != "checkbox" else "y"
    for name, body in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        fields[name] = unescape(body).strip()
    for tag, body in re.findall(r"(<select [^>]*>)(.*?)</select>", form, re.DOTALL):
        options = [option for option in re.findall(r"<option [^>]*>", body) if " selected" in option]
        chosen = [_attribute(option, "value") for option in options]
        fields[_attribute(tag, "name")] = chosen if " multiple" in tag else (chosen or [""])[0]
    return fields


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""
