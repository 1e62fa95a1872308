"""Invitations, and links for a new password: what they open, how often and for how long."""

import re
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from core.accounts import links, second_factor, users
from core.accounts.links import AccountLink
from core.accounts.models import SignIn, User
from core.cli import main
from core.database.secrets import Secrets
from core.records.audit import Audit

SECRET = "a completely new secret"
NEW = {"name": "رضا", "email": "reza@example.com", "role": "user"}
CHOSEN = {"password": SECRET, "password_confirm": SECRET}


@pytest.fixture
def admin(installation):
    browser = installation.browser("192.0.2.200")
    browser.sign_in(*installation.admin)
    return browser


def person(installation, email=None):
    with installation.work() as session:
        return session.scalar(select(User).where(User.email == (email or installation.sales[0])))


def path_in(page, purpose):
    return re.search(rf"http://127.0.0.1:8000(/{purpose}/[\w-]+)", page)[1]


def reset_path(installation, email=None):
    """A link for a new password, made as the job makes it."""
    with installation.work() as session:
        user = session.scalar(select(User).where(User.email == (email or installation.sales[0])))
        return f"/reset/{links.make(session, user, links.RESET)[1]}"


def acts(installation):
    with installation.work() as session:
        return list(session.scalars(select(Audit.action).where(Audit.record_type == "core.user").order_by(Audit.id)))


def test_invited_person_chooses_a_password_and_is_in(either_database):
    installation = either_database()
    installation.add(*installation.admin, role="administrator")
    admin = installation.browser("192.0.2.200")
    admin.sign_in(*installation.admin)
    page = admin.post("/admin/users/invitations/", "/admin/users/invitations/", **NEW).text
    assert "Mail is off, so nothing was sent." in page
    path = path_in(page, "invitation")
    assert path not in admin.get("/admin/users/invitations/").text
    assert person(installation, NEW["email"]).password is None
    browser = installation.browser()
    shown = browser.get(path)
    assert "reza@example.com" in shown.text
    assert (shown.headers["Cache-Control"], shown.headers["Referrer-Policy"]) == ("no-store", "same-origin")
    assert browser.post(path, path, **CHOSEN).headers["Location"] == "/"
    assert browser.is_signed_in
    assert browser.get("/who").text == "رضا|"
    assert installation.browser().sign_in(NEW["email"], SECRET).status_code == 302
    assert "Accepted" in admin.get("/admin/users/invitations/").text
    assert acts(installation)[-5:] == ["created", "invited", "password_chosen", "signed_in", "signed_in"]


def test_invitation_refuses_each_mistake_beside_its_field(installation, admin):
    wrong = {"name": "", "email": installation.sales[0], "role": "emperor"}
    answer = admin.post("/admin/users/invitations/", "/admin/users/invitations/", **wrong)
    assert answer.status_code == 422
    for field in wrong:
        assert f'id="f-{field}-h"' in answer.text
    with installation.work() as session:
        assert session.scalars(select(AccountLink)).all() == []


def test_link_works_once_and_looking_at_it_uses_nothing(installation):
    path = reset_path(installation)
    for _ in range(3):
        assert installation.browser().get(path).status_code == 200
    browser = installation.browser()
    assert browser.post(path, path, **CHOSEN).status_code == 302
    again = installation.browser()
    assert again.get(path).status_code == 410
    assert again.post(path, "/sign-in", **(CHOSEN | {"password": "another one again"})).status_code == 410
    assert installation.browser().sign_in(installation.sales[0], SECRET).status_code == 302


def test_of_requests_at_once_one_succeeds(either_database):
    installation = either_database()
    installation.add(*installation.sales)
    path = reset_path(installation)
    browsers = [installation.browser() for _ in range(4)]
    tokens = [browser.token(path) for browser in browsers]

    def send(number):
        chosen = f"{SECRET} {number}"
        form = {"csrf_token": tokens[number], "password": chosen, "password_confirm": chosen}
        return browsers[number].client.post(path, data=form).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, range(4))) == [302, 410, 410, 410]


def test_link_is_stored_hashed_and_expires(installation):
    path = reset_path(installation)
    with installation.work() as session:
        link = session.scalar(select(AccountLink))
        assert link.token_hash not in path
        assert 0 < (link.expires_at - link.created_at).total_seconds() <= 3600
        link.expires_at = link.created_at
    browser = installation.browser()
    late = browser.get(path)
    assert late.status_code == 410
    assert "Ask for another link" in late.text
    assert browser.post(path, "/sign-in", **CHOSEN).status_code == 410
    for invented in ("/reset/invented", "/reset/" + "x" * 100, "/invitation/" + path.rsplit("/", 1)[1]):
        assert browser.get(invented).status_code == 410
    assert browser.get("/reset/" + "x" * 5000).status_code in (404, 410)
    assert installation.browser().sign_in(*installation.sales).status_code == 302


def test_new_link_another_password_and_deactivation_end_the_earlier_link(installation):
    def is_good(path):
        return installation.browser().get(path).status_code == 200

    number = person(installation).id
    first = reset_path(installation)
    second = reset_path(installation)
    assert not is_good(first)
    assert is_good(second)
    with installation.work() as session:
        users.set_password(session, session.get(User, number), "chosen in the profile")
    assert not is_good(second)
    third = reset_path(installation)
    assert is_good(third)
    with installation.work() as session:
        users.deactivate(session, session.get(User, number))
    assert not is_good(third)
    with installation.work() as session:
        users.reactivate(session, session.get(User, number))
    assert not is_good(third)


def test_reset_ends_every_session(installation):
    thief = installation.browser()
    thief.sign_in(*installation.sales)
    copied = thief.cookie
    path = reset_path(installation)
    browser = installation.browser()
    browser.post(path, path, **CHOSEN)
    assert not thief.is_signed_in
    thief.client.set_cookie("peyvand_session", copied)
    assert not thief.is_signed_in
    assert browser.is_signed_in
    with installation.work() as session:
        assert len(session.scalars(select(SignIn)).all()) == 1


def test_second_step_is_still_asked_after_a_reset(installation):
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    page = "/profile/two-step"
    browser.post(page, page, action="begin", password=installation.sales[1])
    number = person(installation).id
    with installation.work() as session:
        key = Secrets(installation.config).read(session, second_factor.place_of(number))
    assert browser.post(page, page, action="confirm", code=pyotp.TOTP(key).now()).status_code == 200
    path = reset_path(installation)
    other = installation.browser()
    assert other.post(path, path, **CHOSEN).headers["Location"].startswith("/sign-in/code")
    assert not other.is_signed_in


@pytest.mark.parametrize(
    ("change", "field"),
    [({"password": "short", "password_confirm": "short"}, "password"), ({"password_confirm": "x"}, "password_confirm")],
)
def test_mistake_keeps_the_link(installation, change, field):
    path = reset_path(installation)
    browser = installation.browser()
    answer = browser.post(path, path, **(CHOSEN | change))
    assert answer.status_code == 422
    assert f'id="f-{field}-h"' in answer.text
    assert installation.browser().sign_in(*installation.sales).status_code == 302
    assert browser.post(path, path, **CHOSEN).status_code == 302


def test_host_of_the_link_is_that_of_the_configuration(installation, admin):
    number = person(installation).id
    path = f"/admin/users/invitations/reset/{number}"
    token = admin.token("/profile/")
    admin.client.set_cookie("peyvand_session", admin.cookie, domain="evil.example")
    for headers in ({"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example"}):
        answer = admin.client.post(path, headers=headers | {"X-CSRFToken": token})
        assert answer.status_code == 200
        assert path_in(answer.text, "reset")
        assert "evil.example/reset" not in answer.text


def test_invitation_is_sent_again_and_withdrawn(installation, admin):
    place = "/admin/users/invitations/"
    first = path_in(admin.post(place, place, **NEW).text, "invitation")
    number = re.search(rf"{place}(\d+)", admin.get(place).text)[1]
    second = path_in(admin.post(place + number, place, action="again").text, "invitation")
    assert installation.browser().get(first).status_code == 410
    assert installation.browser().get(second).status_code == 200
    number = re.search(rf"{place}(\d+)", admin.get(place).text)[1]
    assert admin.post(place + number, place, action="revoke").status_code == 303
    assert installation.browser().get(second).status_code == 410
    assert not person(installation, NEW["email"]).active
    assert "Withdrawn" in admin.get(place).text
    third = path_in(admin.post(place + number, place, action="again").text, "invitation")
    browser = installation.browser()
    assert browser.post(third, third, **CHOSEN).status_code == 302
    assert admin.post(place + number, place, action="revoke").status_code == 303
    assert person(installation, NEW["email"]).active
    assert admin.post(place + number, place, action="x").status_code == 400


def test_pages_are_for_administrators(installation, admin):
    place = "/admin/users/invitations/"
    admin.post(place, place, **NEW)
    number = re.search(rf"{place}(\d+)", admin.get(place).text)[1]
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    assert browser.get(place).status_code == 404
    for path in (place, place + number, f"{place}reset/{person(installation, installation.admin[0]).id}"):
        assert browser.post(path, **NEW, action="again").status_code == 404, path
    with installation.work() as session:
        assert len(session.scalars(select(AccountLink)).all()) == 1


def test_command_prints_a_link(installation, monkeypatch):
    for name, value in installation.config.environment().items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(main, ["user", "reset-link", installation.sales[0]])
    browser = installation.browser()
    path = path_in(told.output, "reset")
    assert browser.post(path, path, **CHOSEN).status_code == 302
    assert CliRunner().invoke(main, ["user", "reset-link", "nobody@example.com"]).exit_code == 1


def test_forms_without_token_are_refused(installation, admin):
    path = reset_path(installation)
    assert installation.browser().client.post(path, data=CHOSEN).status_code == 400
    assert admin.client.post("/admin/users/invitations/", data=NEW).status_code == 400
    assert installation.browser().get(path).status_code == 200


def test_asking_for_a_link_without_mail_says_so(installation):
    browser = installation.browser()
    assert "/forgot" in browser.get("/sign-in").text
    assert "Mail is off here" in browser.get("/forgot").text
