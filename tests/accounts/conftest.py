"""A small application with nothing but the accounts, the languages and the standard look."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.test import TestResponse

from core.accounts import security, users
from core.accounts.actor import acting
from core.config import Config
from core.database.base import METADATA
from core.database.engine import Database
from core.records.gate import GatedSession
from core.site import i18n
from core.testing.servers import RedisServer, create_database
from core.web import accounts as account_pages
from core.web.users import MANAGE_USERS, user_pages

ROOT = Path(__file__).parents[2]
ADMIN = ("admin@example.com", "correct horse battery")
SALES = ("sara@example.com", "another long secret")


class Installation:
    """An installation with its database, and browsers to visit it with."""

    admin = ADMIN
    sales = SALES

    def __init__(self, config: Config) -> None:
        self.config = config
        self.database = Database(config, GatedSession)
        METADATA.create_all(self.database.engine, [t for t in METADATA.sorted_tables if t.name in CORE_TABLES])
        self.app = self._build()
        with self.work() as session:
            users.seed_roles(session)

    def _build(self) -> Flask:
        app = Flask("core", root_path=str(ROOT / "core"), template_folder="templates")
        app.testing = True
        app.jinja_env.loader = ChoiceLoader(
            [FileSystemLoader(ROOT / "core" / "templates"), FileSystemLoader(ROOT / "themes" / "nova" / "templates")]
        )
        app.extensions["peyvand"] = SimpleNamespace(
            grants={"administrator": frozenset({MANAGE_USERS.name})},
            catalog=(),
            hooks=SimpleNamespace(implements=lambda _name: []),
        )
        security.install(app, self.database, self.config)
        i18n.install(app, [ROOT / "core" / "translations"])
        app.jinja_env.globals.update(
            asset=lambda path: f"/static/{path}", nv_icon=lambda *_: "",
            site_title=lambda: "Peyvand", site_menu=list,
        )  # fmt: skip
        for blueprint in (account_pages.set_up_pages, account_pages.profile_pages, user_pages):
            app.register_blueprint(blueprint)
        app.add_url_rule("/", "home", lambda: f"{acting().name}|{','.join(sorted(acting().permissions))}")
        app.add_url_rule("/tally", "tally", lambda: "counted", methods=["POST"])
        app.teardown_appcontext(lambda _error: self.database.session.remove())
        return app

    @contextmanager
    def work(self) -> Iterator:
        """A unit of work that is committed at the end."""
        with self.app.app_context():
            yield self.database.session()
            self.database.session.commit()

    def add(self, email: str, password: str, role: str = "user") -> int:
        with self.work() as session:
            return users.create_user(session, email, email.split("@")[0], password, role).id

    def browser(self, address: str = "192.0.2.1") -> "Browser":
        client = self.app.test_client()
        client.environ_base["REMOTE_ADDR"] = address
        return Browser(client)


class Browser:
    """A person's browser, which sends the CSRF token of the last form."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **options: object) -> TestResponse:
        return self.client.get(path, headers={"Accept": "text/html"}, **options)

    def post(self, path: str, form_page: str = "/profile/", **fields: str) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.token(form_page)} | fields)

    def token(self, form_page: str) -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(form_page).text)
        assert found is not None, f"{form_page} has no form"
        return found[1]

    def sign_in(self, email: str, password: str, **fields: str) -> TestResponse:
        return self.post("/sign-in", "/sign-in", email=email, password=password, **fields)

    def sign_out(self) -> TestResponse:
        return self.post("/sign-out")

    @property
    def cookie(self) -> str:
        cookie = self.client.get_cookie("peyvand_session")
        return "" if cookie is None else cookie.value

    @property
    def is_signed_in(self) -> bool:
        return self.get("/").status_code == 200


CORE_TABLES = {"core_user", "core_role", "core_user_role", "core_sign_in", "core_set_up_link"}


@pytest.fixture
def install(tmp_path: Path, redis_server: RedisServer) -> Iterator[Callable[..., Installation]]:
    """Make an installation; keyword arguments change its configuration."""
    made = []

    def make(**settings: object) -> Installation:
        values = {
            "instance": tmp_path, "database_url": f"sqlite:///{tmp_path / 'peyvand.db'}", "redis_url": redis_server.url,
            "secret_key": b"0123456789abcdef0123456789abcdef",
        }  # fmt: skip
        made.append(Installation(Config(**(values | settings))))
        return made[-1]

    security.shared_throttle.cache_clear()
    with redis.Redis.from_url(redis_server.url) as connection:
        connection.flushall()
    yield make
    for installation in made:
        installation.database.dispose()


@pytest.fixture
def installation(install: Callable[..., Installation]) -> Installation:
    """An installation on SQLite with an administrator and a salesperson."""
    made = install()
    made.add(*ADMIN, role="administrator")
    made.add(*SALES)
    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def either_database(
    request: pytest.FixtureRequest, install: Callable[..., Installation]
) -> Iterator[Callable[[], Installation]]:
    """Make an installation without users, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield install
        return
    server = request.getfixturevalue("postgres_server")
    yield lambda: install(database_url=create_database(server))
