"""The scanner of ``make security``, on an application in this process; and that it finds holes where there are some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, redirect, request
from werkzeug.test import Client

from core.testing.installation import TestInstallation
from core.testing.scanning import HIGH, LOW, MARK, MEDIUM, OPEN, Doors, Finding, into_application, scan


def untokened(client: Any) -> Callable[..., Any]:
    """The client's requests as another site would send them."""

    def ask(path: str, **kwargs: Any) -> Any:
        return Client.open(client, path, **kwargs)

    return ask


def tried(installation: TestInstallation) -> list[Any]:
    """Every address of the core, and of two record types, whose views all others share; the rest is for the command."""
    others = {screen.endpoint for screen in installation.site.screens.values()} - {"contacts_person", "sales_deal"}
    rules = installation.site.app.url_map.iter_rules()
    return [rule for rule in rules if rule.endpoint.partition(".")[0] not in others]


def doors_of(installation: TestInstallation) -> Doors:
    app = installation.site.app
    public = frozenset(name for name, view in app.view_functions.items() if getattr(view, "public", False))
    ways = (installation.browser(role) for role in (None, "user", "administrator"))
    visitor, user, administrator = (into_application(untokened(browser)) for browser in ways)
    return Doors(visitor, user, administrator, public=public | OPEN, odd=(MARK, str(2**63), "%00"))


@pytest.mark.timeout(300)
def test_the_site_has_no_open_door(make_site: Callable[..., TestInstallation]) -> None:
    installation = make_site("contacts", "activities", "sales", "api")
    with installation.acting("administrator") as session:
        for _plugin, add in installation.site.hooks.each("demo_data", session=session):
            add()
            session.commit()
    found = scan(tried(installation), doors_of(installation))
    assert [finding for finding in found if finding.severity in (HIGH, MEDIUM)] == []


@pytest.fixture
def holes() -> list[Finding]:
    app = Flask("holes")
    app.add_url_rule("/open", "open", lambda: "<p>everything</p>")
    app.add_url_rule("/admin/page", "admin", lambda: "<p>everything</p>")
    app.add_url_rule("/echo", "echo", lambda: f"<script>run()</script>{request.args.get('q', '')}")
    app.add_url_rule("/boom", "boom", lambda: (_ for _ in ()).throw(ValueError("Traceback (most recent call last)")))
    app.add_url_rule("/away", "away", lambda: redirect(request.args.get("next", "/")))
    app.add_url_rule("/change", "change", lambda: "changed", methods=["POST"])
    app.add_url_rule("/link", "link", lambda: f"<a href='http://{request.host}/'>me</a>")

    @app.after_request
    def careless(response: Any) -> Any:
        response.set_cookie("session", "x")
        return response

    ask = into_application(app.test_client().open)
    return scan(app.url_map.iter_rules(), Doors(ask, ask, ask))


@pytest.mark.parametrize(
    ("severity", "check", "where", "word"),
    [
        (HIGH, "closed doors", "/open", "has not signed in"),
        (HIGH, "closed doors", "/admin/page", "a user"),
        (HIGH, "odd input", "/echo", "as it is"),
        (HIGH, "odd input", "/boom", "fails"),
        (HIGH, "redirects", "/away", "leads to"),
        (HIGH, "form tokens", "/change", "without a token"),
        (MEDIUM, "redirects", "/link", "any host"),
        (MEDIUM, "headers", "/echo (visitor)", "inline"),
        (MEDIUM, "headers", "/open (visitor)", "content policy"),
        (HIGH, "cookies", "/open (visitor)", "scripts"),
    ],
)
def test_the_scanner_finds_what_is_wrong(
    holes: list[Finding], severity: str, check: str, where: str, word: str
) -> None:
    found = [one for one in holes if (one.severity, one.check, one.where) == (severity, check, where)]
    assert [one for one in found if word in one.what]
    assert all(one.severity in (HIGH, MEDIUM, LOW) for one in holes)
