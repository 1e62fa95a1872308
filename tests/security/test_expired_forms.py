"""A form that outlived its session: nothing typed is lost, and no other site gets it sent."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from core.testing.installation import PASSWORD, Browser, TestInstallation

FORM = "/contacts/company/new"
TYPED = {"name": "Chairs & “Sons” <b>", "city": "یزد", "status": "customer", "addresses-0-postal_code": "8916"}
HERE = {"Origin": "http://localhost"}


@pytest.fixture
def site(make_site: Callable[..., TestInstallation]) -> TestInstallation:
    return make_site("contacts")


def send(browser: Browser, form: dict[str, str], headers: dict[str, str], path: str = FORM) -> Any:
    """Send a form whose token is worth nothing any more."""
    browser.token = ""
    return browser.post(path, data=form, headers=headers)


def fields_of(page: str) -> dict[str, str]:
    """The fields of the form that sends it once more."""
    form = page[: page.index("Send it again")].rpartition("<form")[2]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {name: html.unescape(value) for name, value in found}


def names(site: TestInstallation) -> list[str]:
    from plugins.contacts.models import Company

    with site.acting() as session:
        return list(session.scalars(sa.select(Company.name)))


def test_what_was_typed_is_sent_once_more(site: TestInstallation) -> None:
    browser = site.browser("administrator")
    browser.post("/sign-out")
    answer = send(browser, TYPED, HERE)
    assert answer.status_code == 400
    assert names(site) == []
    fields = fields_of(answer.get_data(as_text=True))
    assert TYPED.items() <= fields.items()
    browser.get("/sign-in")  # in another window
    browser.post("/sign-in", data={"email": "administrator@example.com", "password": PASSWORD})
    again = send(browser, fields, HERE)
    assert again.status_code == 400  # the token was that of the visitor
    assert send(browser, fields_of(again.get_data(as_text=True)), HERE).status_code == 302
    assert names(site) == [TYPED["name"]]


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_what_another_site_sends_is_not_offered_again(site: TestInstallation, headers: dict[str, str]) -> None:
    answer = send(site.browser("administrator"), TYPED, headers)
    assert answer.status_code == 400
    assert "Send it again" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("name", ["new_password", "mail-0-password", "code", "recovery_code", "api-token"])
def test_secrets_are_not_repeated(site: TestInstallation, name: str) -> None:
    form = {"name": "Sara", name: "new secret"}
    answer = send(site.browser("user"), form, HERE, "/profile/password")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "secret" not in page


def test_the_code_of_a_record_is_no_secret(site: TestInstallation) -> None:
    answer = send(site.browser("administrator"), TYPED | {"discount_code": "NOWRUZ", "code": "C-7"}, HERE)
    fields = fields_of(answer.get_data(as_text=True))
    assert (fields["discount_code"], fields["code"]) == ("NOWRUZ", "C-7")
