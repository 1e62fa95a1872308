"""Known weaknesses of libraries are told, and what could not be asked is said."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from core.testing.serving import free_port
from scripts.libraries import ask_pypi, installed

KNOWN: dict[str, list[dict[str, Any]]] = {
    "/sound/1.0/json": [],
    "/weak/1.0/json": [
        {"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "summary": "Runs what it reads", "fixed_in": ["1.1"]},
        {"id": "PYSEC-2", "aliases": [], "details": "Was a mistake", "withdrawn": "2026-01-01"},
    ],
}


class Pypi(http.server.BaseHTTPRequestHandler):
    """What PyPI says of a few releases."""

    def do_GET(self) -> None:
        known = self.path in KNOWN
        self.send_response(200 if known else 404)
        self.end_headers()
        if known:
            self.wfile.write(json.dumps({"vulnerabilities": KNOWN[self.path]}).encode())

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def pypi() -> Iterator[str]:
    """The address of such a PyPI."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pypi)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_weak_release_is_named_with_what_helps(pypi: str) -> None:
    answers = ask_pypi({"sound": "1.0", "weak": "1.0", "elsewhere": "2.0"}, pypi)
    (weakness,) = answers.found
    assert (weakness.library, weakness.name, weakness.fixed) == ("weak", "CVE-2026-1", ("1.1",))
    assert answers.sentence == "libraries: 2 of 3 checked"


def test_without_an_answer_nothing_is_claimed(pypi: str) -> None:
    unknown = ask_pypi({"elsewhere": "2.0"}, pypi)
    assert unknown.sentence.startswith("libraries: not checked")
    away = ask_pypi({"sound": "1.0", "weak": "1.0"}, f"http://127.0.0.1:{free_port()}")
    assert (away.found, away.sentence) == ((), unknown.sentence)


def test_what_is_installed_is_asked_about_and_not_this_program() -> None:
    names = installed()
    assert {"flask", "sqlalchemy", "flask-admin"} <= names.keys()
    assert "peyvand" not in names
