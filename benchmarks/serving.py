"""Peyvand and its peers as real servers: the same gunicorn, the same number of processes and threads."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.clock import HttpClient
from benchmarks.peers.prepare_django import NAME, PASSWORD
from core.config import Config
from core.testing import installation
from core.testing.serving import ServedInstallation, free_port

ROOT = Path(__file__).resolve().parents[1]


class Peer:
    """Another program over the database at ``url``, served by gunicorn as Peyvand serves itself.

    Args:
        module: where its WSGI application stands.
        url: SQLAlchemy URL of the database.
        config: Peyvand's settings, whose numbers of processes and threads it gets too.
    """

    def __init__(self, module: str, url: str, config: Config) -> None:
        self.port = free_port()
        self.environ = {**os.environ, "BENCHMARK_DATABASE": url, "BENCHMARK_SECRET": "benchmark-only"}
        self.command = [
            sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--workers", str(config.web_workers),
            "--threads", str(config.web_threads), "--bind", f"127.0.0.1:{self.port}", "--log-level", "warning",
            "--timeout", "300", "--keep-alive", "5", f"{module}:application",
        ]  # fmt: skip
        self.server: subprocess.Popen[bytes] | None = None

    def prepare(self, module: str) -> None:
        """Run ``module`` once, before the server starts."""
        subprocess.run([sys.executable, "-m", module], cwd=ROOT, env=self.environ, check=True)

    def __enter__(self) -> Self:
        self.server = subprocess.Popen(self.command, cwd=ROOT, env=self.environ)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                HttpClient(self.port).get("/")
                return self
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"{self.command[-1]} does not start.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.server is not None:
            self.server.terminate()
            self.server.wait(30)

    def processes(self) -> list[psutil.Process]:
        """The processes that answer requests."""
        assert self.server is not None
        return psutil.Process(self.server.pid).children(recursive=True)


def sign_in_to_django(port: int) -> HttpClient:
    """An administrator of the Django site."""
    client = HttpClient(port, "csrfmiddlewaretoken")
    client.get("/admin/login/")
    client.post("/admin/login/?next=/admin/", [("username", NAME), ("password", PASSWORD), ("next", "/admin/")])
    assert client.status == 302, "Django refused the sign-in."
    return client


def sign_in(served: ServedInstallation, role: str = "administrator") -> HttpClient:
    """Somebody with ``role``, signed in to Peyvand."""
    served.client(role)
    client = HttpClient(served.config.port)
    client.get("/sign-in")
    client.post("/sign-in", [("email", f"{role}@example.com"), ("password", installation.PASSWORD)])
    assert client.status == 302, "Peyvand refused the sign-in."
    client.get("/")
    return client


def web_processes(served: ServedInstallation) -> list[psutil.Process]:
    """The processes of Peyvand that answer requests."""
    assert served._process is not None
    everybody = psutil.Process(served._process.pid).children(recursive=True)
    return [process for process in everybody if process.cmdline()[-3:] == ["-m", "core.serve", "web"]]


def form_values(page: str) -> list[tuple[str, str]]:
    """What a browser would post of the first big form of a page, unchanged."""
    form = max(re.findall(r"<form[^>]*>.*?</form>", page, re.DOTALL), key=len)
    form = re.sub(r"<template.*?</template>", "", form, flags=re.DOTALL)
    values = []
    for tag in re.findall(r"<input[^>]*>", form):
        found = dict(re.findall(r'([a-z_-]+)="([^"]*)"', tag))
        kind = found.get("type", "text")
        if "name" not in found or kind in ("submit", "button", "file") or found["name"].startswith("csrf"):
            continue
        if kind in ("checkbox", "radio") and not re.search(r"\bchecked\b", tag):
            continue
        values.append((found["name"], _plain(found.get("value", ""))))
    for name, inner in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        values.append((name, _plain(inner.strip())))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.findall(r'<option[^>]*selected[^>]*value="([^"]*)"', options)
        chosen += re.findall(r'<option[^>]*value="([^"]*)"[^>]*selected', options)
        values.extend((name, _plain(value)) for value in dict.fromkeys(chosen))
    return values


def _plain(text: str) -> str:
    import html

    return html.unescape(text)
