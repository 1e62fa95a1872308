"""Passkeys: what they open, and what they do not."""

import dataclasses

import pytest
from sqlalchemy import select

from core.accounts import passkeys, second_factor, users
from core.accounts.models import User
from core.accounts.passkeys import Passkey, PasskeyChallenge
from core.records.audit import Audit
from tests.accounts.authenticator import PRESENT, VERIFIED, Authenticator

PAGE = "/profile/two-step"


def installed(install):
    made = install(public_url="https://crm.example.com")
    made.add(*made.admin, role="administrator")
    made.add(*made.sales)
    with made.work() as session:
        # The app is of no matter here; that the second step is on is.
        for user in session.scalars(select(User)):
            user.two_factor_at = second_factor.now()
            second_factor.renew_codes(session, user)
    return made


@pytest.fixture
def installation(install):
    return installed(install)


def sign_in(installation, person):
    """A browser that is signed in with password and recovery code."""
    browser = installation.browser()
    browser.sign_in(*person)
    with installation.work() as session:
        user = session.scalar(select(User).where(User.email == person[0]))
        code = second_factor.renew_codes(session, user)[0]
    assert browser.post("/sign-in/code", "/sign-in/code", code=code).status_code == 302
    return browser


def options(browser, path, page, **fields):
    return browser.post(path, page, **fields).json


def add(browser, person, authenticator=None, name="My telephone"):
    """Add a passkey as the page's script does."""
    authenticator = authenticator or Authenticator()
    told = options(browser, "/profile/passkeys/options", PAGE, password=person[1])
    form = {"token": told["token"], "credential": authenticator.make(told["options"]), "name": name}
    assert browser.post("/profile/passkeys", PAGE, **form).status_code == 303
    return authenticator


def challenge(browser, page="/sign-in"):
    return options(browser, "/sign-in/passkey/options", page)


def enter(browser, authenticator, told=None, page="/sign-in", **fields):
    told = told or challenge(browser, page)
    form = {"token": told["token"], "credential": authenticator.sign(told["options"])} | fields
    return browser.post("/sign-in/passkey", page, **form)


def stored(installation):
    with installation.work() as session:
        return session.scalars(select(Passkey).order_by(Passkey.id)).all()


def test_passkey_signs_in_without_password_and_code(either_database):
    installation = installed(lambda **_: either_database())
    installation.app.extensions["peyvand_accounts"] = dataclasses.replace(
        installation.app.extensions["peyvand_accounts"],
        config=dataclasses.replace(installation.config, public_url="https://crm.example.com"),
    )
    phone = add(sign_in(installation, installation.sales), installation.sales)
    browser = installation.browser()
    assert "Use a passkey" in browser.get("/sign-in").text
    assert enter(browser, phone, next="/profile/?a=1").headers["Location"] == "/profile/?a=1"
    assert browser.get("/who").text == "sara|"
    browser.sign_out()
    assert enter(browser, phone, next="//evil.example").headers["Location"] == "/"
    (passkey,) = stored(installation)
    assert (passkey.name, passkey.sign_count) == ("My telephone", 2)
    with installation.work() as session:
        acts = session.scalars(select(Audit.action).where(Audit.record_type == "core.user")).all()
        assert session.scalars(select(PasskeyChallenge)).all() == []
    assert acts.count("passkey_added") == 1


def test_passkey_stands_for_the_code_of_the_person_whose_password_was_right(installation):
    hers = add(sign_in(installation, installation.sales), installation.sales)
    his = add(sign_in(installation, installation.admin), installation.admin)
    browser = installation.browser()
    assert browser.sign_in(*installation.sales).headers["Location"].startswith("/sign-in/code")
    told = challenge(browser, "/sign-in/code")
    assert len(told["options"]["allowCredentials"]) == 1
    assert enter(browser, his, page="/sign-in/code").headers["Location"] == "/sign-in"
    assert not browser.is_signed_in
    assert enter(browser, hers, page="/sign-in/code").headers["Location"] == "/"
    assert browser.is_signed_in


def test_answer_counts_once_and_for_its_own_challenge(installation):
    phone = add(sign_in(installation, installation.sales), installation.sales)
    browser, thief = installation.browser(), installation.browser()
    told, other = challenge(browser), challenge(browser)
    answer = phone.sign(told["options"])
    assert browser.post("/sign-in/passkey", "/sign-in", token=other["token"], credential=answer).status_code == 303
    assert not browser.is_signed_in
    form = {"token": told["token"], "credential": answer}
    assert browser.post("/sign-in/passkey", "/sign-in", **form).headers["Location"] == "/"
    assert thief.post("/sign-in/passkey", "/sign-in", **form).headers["Location"] == "/sign-in"
    assert not thief.is_signed_in
    # A challenge that was answered wrongly is used up too.
    assert thief.post("/sign-in/passkey", "/sign-in", token=other["token"], credential=answer).status_code == 303
    assert not thief.is_signed_in


def test_late_answer_is_refused(installation):
    phone = add(sign_in(installation, installation.sales), installation.sales)
    browser = installation.browser()
    told = challenge(browser)
    with installation.work() as session:
        session.scalar(select(PasskeyChallenge)).expires_at = second_factor.now()
    enter(browser, phone, told)
    assert not browser.is_signed_in


@pytest.mark.parametrize(
    "change",
    [{"origin": "https://evil.example"}, {"origin": "http://crm.example.com"}, {"flags": PRESENT}, {"flags": VERIFIED},
     {"handle": b"user 1"}, {"id": b"x" * 32}, {"count": -1}],
)  # fmt: skip
def test_answer_that_was_made_elsewhere_or_by_another_is_refused(installation, change):
    phone = add(sign_in(installation, installation.sales), installation.sales)
    browser = installation.browser()
    assert enter(browser, phone).headers["Location"] == "/"
    browser.sign_out()
    good = dict(vars(phone))
    for name, value in change.items():
        setattr(phone, name, value)
    assert "not known here" in browser.get(enter(browser, phone).headers["Location"]).text
    assert not browser.is_signed_in
    vars(phone).update(good)
    assert enter(browser, phone).headers["Location"] == "/"


@pytest.mark.parametrize(
    "odd",
    ["", "{}", "[]", "null", "x" * 50_000, '{"id": 1}', '{"id":"a","rawId":"a","type":"public-key"}', "\0"],
)
def test_odd_answers_are_only_wrong(installation, odd):
    add(signed := sign_in(installation, installation.sales), installation.sales)
    told = options(signed, "/profile/passkeys/options", PAGE, password=installation.sales[1])
    assert signed.post("/profile/passkeys", PAGE, token=told["token"], credential=odd, name="x").status_code == 303
    assert len(stored(installation)) == 1
    browser = installation.browser()
    answer = browser.post("/sign-in/passkey", "/sign-in", token=challenge(browser)["token"], credential=odd)
    assert answer.status_code == 303
    assert not browser.is_signed_in


def test_adding_asks_for_the_password_and_for_two_steps(installation):
    browser = sign_in(installation, installation.sales)
    refused = browser.post("/profile/passkeys/options", PAGE, password="not the password")
    assert (refused.status_code, refused.json["error"]) == (422, "This is not your current password.")
    told = options(browser, "/profile/passkeys/options", PAGE, password=installation.sales[1])
    # Somebody else cannot use the challenge, and it is used up by trying.
    other = sign_in(installation, installation.admin)
    form = {"token": told["token"], "credential": Authenticator().make(told["options"]), "name": "x"}
    other.post("/profile/passkeys", PAGE, **form)
    browser.post("/profile/passkeys", PAGE, **form)
    assert stored(installation) == []
    with installation.work() as session:
        second_factor.switch_off(session, session.scalar(select(User).where(User.email == installation.sales[0])))
    answer = browser.post("/profile/passkeys/options", PAGE, password=installation.sales[1])
    assert answer.status_code == 404


def test_passkey_of_one_is_not_added_to_another(installation):
    phone = add(sign_in(installation, installation.sales), installation.sales)
    add(sign_in(installation, installation.admin), installation.admin, phone)
    assert len(stored(installation)) == 1


def test_removed_passkey_opens_nothing(installation):
    browser = sign_in(installation, installation.sales)
    phone = add(browser, installation.sales)
    (passkey,) = stored(installation)
    stranger = sign_in(installation, installation.admin)
    assert stranger.post(f"/profile/passkeys/{passkey.id}/remove", PAGE).status_code == 404
    assert "My telephone" in browser.get(PAGE).text
    assert browser.post(f"/profile/passkeys/{passkey.id}/remove", PAGE).status_code == 303
    other = installation.browser()
    enter(other, phone)
    assert not other.is_signed_in


@pytest.mark.parametrize("change", [users.deactivate, second_factor.switch_off])
def test_passkey_ends_with_the_account_and_with_the_second_step(installation, change):
    phone = add(sign_in(installation, installation.sales), installation.sales)
    with installation.work() as session:
        change(session, session.scalar(select(User).where(User.email == installation.sales[0])))
    browser = installation.browser()
    enter(browser, phone)
    assert not browser.is_signed_in


def test_forms_without_token_are_refused(installation):
    phone = add(sign_in(installation, installation.sales), installation.sales)
    browser = installation.browser()
    told = challenge(browser)
    form = {"token": told["token"], "credential": phone.sign(told["options"])}
    assert browser.client.post("/sign-in/passkey", data=form).status_code == 400
    assert browser.client.post("/sign-in/passkey/options").status_code == 400
    assert not browser.is_signed_in


def test_challenges_are_not_made_without_end(installation):
    browser = installation.browser()
    answers = [browser.post("/sign-in/passkey/options", "/sign-in").status_code for _ in range(61)]
    assert answers[:60] == [200] * 60
    assert answers[60] == 429


@pytest.mark.parametrize(
    ("address", "possible"),
    [("https://crm.example.com", True), ("http://localhost:8000", True), ("http://crm.example.com", False),
     ("https://192.0.2.1", False), ("http://127.0.0.1:8000", False), ("https://[::1]:8000", False)],
)  # fmt: skip
def test_passkeys_are_offered_where_browsers_know_them(install, address, possible):
    installation = install(public_url=address)
    assert passkeys.are_possible(installation.config) is possible
    browser = installation.browser()
    assert ("Use a passkey" in browser.get("/sign-in").text) is possible
    assert browser.post("/sign-in/passkey/options", "/sign-in").status_code == (200 if possible else 404)
