"""A real installation with all its processes, for tests and benchmarks that need more than one."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from core.accounts import users
from core.accounts.actor import as_system
from core.config import Config
from core.processes import is_alive
from core.site.installation import prepare_core
from core.site.lifecycle import started
from core.site.plan import ENABLE
from core.site.runtime import Runtime
from core.site.state import Process, read_generation
from core.testing.installation import PASSWORD, TOKEN

START_WITHIN = 90  # seconds, for a machine that is busy with other tests
STOP_WITHIN = 30


class ServedInstallation:
    """``peyvand serve`` in a folder of its own: web, worker, scheduler and Redis, as a user starts them.

    Args:
        instance: its folder; made when missing.
        plugins: what is on from the beginning.
        database_url: PostgreSQL, or SQLite in the folder when left out.
        settings: further variables, such as ``PEYVAND_WEB_WORKERS``.
    """

    def __init__(
        self, instance: Path, plugins: tuple[str, ...] = (), database_url: str | None = None, **settings: str
    ) -> None:
        instance.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.environ = {"PEYVAND_INSTANCE": str(instance), "PEYVAND_PORT": str(self.port), **settings}
        if database_url is not None:
            self.environ["PEYVAND_DATABASE_URL"] = database_url
        self.config = Config.load(self.environ)
        self.runtime = Runtime(self.config)
        self.plugins = plugins
        self.log = instance / "serve.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        prepare_core(self.runtime)
        for name in self.plugins:
            self.change(ENABLE, name)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.runtime.database.dispose()

    def start(self) -> None:
        """Start everything and wait until it answers.

        Raises:
            RuntimeError: it ended or did not answer in time; the text holds its last words.
        """
        environ = {key: value for key, value in os.environ.items() if not key.startswith("PEYVAND_")} | self.environ
        root = Path(__file__).resolve().parents[2]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.cli", "serve"], cwd=root, env=environ, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            if b"is ready at" in self.log.read_bytes():
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"The installation did not start: {self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Ctrl-C."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def change(self, action: str, name: str) -> None:
        """Change a plugin from outside, as the command line does."""
        with started(self.runtime) as lifecycle, as_system("test"):
            lifecycle.apply(action, name)

    def generation(self) -> int:
        """The generation in the database."""
        with self.runtime.database.autocommit() as connection:
            return read_generation(connection)

    def generations(self) -> dict[str, int]:
        """The generation each living process said it serves, by kind and name."""
        table = Process.__table__
        with self.runtime.database.autocommit() as connection:
            rows = connection.execute(sa.select(table.c.kind, table.c.id, table.c.generation)).all()
        return {f"{kind} {name}": number for kind, name, number in rows if is_alive(name)}

    def client(self, role: str = "administrator") -> WebClient:
        """A signed-in client over real HTTP."""
        email = f"{role}@example.com"
        with self.runtime.current_site().app.app_context(), as_system("test"):
            session = self.runtime.database.session()
            if not users.has_user(session, email):
                users.create_user(session, email, role.title(), PASSWORD, role)
                session.commit()
        client = WebClient(self.url)
        client.get("/sign-in")
        client.post("/sign-in", {"email": email, "password": PASSWORD})
        return client


class WebClient:
    """A browser without a screen: cookies, form tokens, no redirects followed on POST.

    ``status`` is the status of the last answer.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 0
        self.token = ""
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies), _Stay())

    def get(self, path: str) -> str:
        """The text of a page; ``status`` says how it went."""
        return self._open(urllib.request.Request(self.url + path))  # noqa: S310 - our own server

    def post(self, path: str, values: dict[str, str]) -> str:
        """Send a form with the token of the page read last."""
        body = urllib.parse.urlencode({**values, "csrf_token": self.token}).encode()
        return self._open(urllib.request.Request(self.url + path, data=body))  # noqa: S310 - our own server

    def _open(self, request: urllib.request.Request) -> str:
        try:
            with self._opener.open(request, timeout=60) as answer:
                self.status, text = answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            self.status, text = error.code, error.read().decode("utf-8", "replace")
        found = re.search(TOKEN, text)
        self.token = found[1] if found else self.token
        return text


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
