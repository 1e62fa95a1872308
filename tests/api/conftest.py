"""A program with an access token, and an installation with the API on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from core.accounts import tokens
from core.accounts.models import User
from core.accounts.tokens import Wish
from core.testing.installation import TestInstallation

ROOT = "/api/v1"


class Program:
    """Asks as programs do: no cookies, a token, JSON."""

    def __init__(self, installation: TestInstallation, role: str, **wish: Any) -> None:
        number = installation.user(role).id
        with installation.acting() as session:
            user = session.get(User, number)
            assert user is not None
            self.token, self.secret = tokens.make(session, user, Wish(**({"name": "Script", "writes": True} | wish)))
            session.commit()
            self.number = self.token.id
        self.client = Client(installation.application, use_cookies=False)

    def ask(self, method: str, path: str, content: Any = None, **headers: str) -> TestResponse:
        """One request; ``content`` is sent as JSON, headers with underscores for hyphens."""
        sent = {"Authorization": f"Bearer {self.secret}"} | {n.replace("_", "-"): v for n, v in headers.items()}
        body = {} if content is None else {"data": json.dumps(content), "content_type": "application/json"}
        answer = self.client.open(ROOT + path, method=method, headers=sent, **body)
        assert "Set-Cookie" not in answer.headers
        assert not answer.data or answer.mimetype in ("application/json", "application/problem+json"), answer.mimetype
        assert answer.headers["X-Request-Id"]
        return answer

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, content: Any, **headers: str) -> TestResponse:
        return self.ask("POST", path, content, **headers)

    def patch(self, path: str, content: Any, **headers: str) -> TestResponse:
        return self.ask("PATCH", path, content, **headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        return self.ask("DELETE", path, **headers)

    def names(self, path: str, field: str = "name") -> list[str]:
        """What a list holds, by one field."""
        return [entry[field] for entry in self.get(path).get_json()["data"]]


@pytest.fixture
def crm(make_site: Callable[..., TestInstallation]) -> TestInstallation:
    return make_site("contacts", "sales", "api")


@pytest.fixture
def either(make_site: Callable[..., TestInstallation], dialect: str) -> TestInstallation:
    return make_site("contacts", "sales", "api", dialect=dialect)


@pytest.fixture
def program(crm: TestInstallation) -> Program:
    return Program(crm, "user")
