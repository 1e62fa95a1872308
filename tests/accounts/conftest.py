"""The Site of an installation without plugins, and browsers to visit it with."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.accounts import security, users
from core.accounts.actor import acting, as_system
from core.config import Config
from core.site.installation import is_prepared, prepare_core
from core.site.runtime import Runtime
from core.testing.installation import QuickRuntime
from core.testing.servers import RedisServer, create_database, drop_database

ADMIN = ("admin@example.com", "correct horse battery")
KEY = b"0123456789abcdef0123456789abcdef"
SALES = ("sara@example.com", "another long secret")


class Installation:
    """An installation with its database, and browsers to visit it with."""

    admin = ADMIN
    sales = SALES

    def __init__(self, config: Config) -> None:
        self.config = config
        runtime = QuickRuntime(config)
        if not is_prepared(runtime):
            prepare_core(runtime)
        self.database = runtime.database
        self.app = runtime.current_site().app
        self.app.testing = True
        self.app.add_url_rule("/who", "who", lambda: f"{acting().name}|{','.join(sorted(acting().permissions))}")
        self.app.add_url_rule("/tally", "tally", lambda: "counted", methods=["POST"])

    @contextmanager
    def work(self) -> Iterator:
        """A unit of work that is committed at the end."""
        with self.app.app_context(), as_system("test"):
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


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables of the core, to copy."""
    folder = tmp_path_factory.mktemp("accounts")
    runtime = Runtime(Config(instance=folder, database_url=f"sqlite:///{folder / 'peyvand.db'}", secret_key=KEY))
    prepare_core(runtime)
    runtime.database.dispose()
    return folder / "peyvand.db"


@pytest.fixture
def install(tmp_path: Path, prepared: Path, redis_server: RedisServer) -> Iterator[Callable[..., Installation]]:
    """Make an installation; keyword arguments change its configuration."""
    made = []

    def make(**settings: object) -> Installation:
        values = {
            "instance": tmp_path, "database_url": f"sqlite:///{tmp_path / 'peyvand.db'}", "redis_url": redis_server.url,
            "secret_key": KEY,
        }  # fmt: skip
        made.append(Installation(Config(**(values | settings))))
        return made[-1]

    shutil.copyfile(prepared, tmp_path / "peyvand.db")
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
    url = create_database(server)
    yield lambda: install(database_url=url)
    drop_database(server, url)
