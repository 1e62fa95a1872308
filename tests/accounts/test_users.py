"""Users, and the administrator's screen of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from core.accounts import users
from core.accounts.models import User
from core.errors import Blocked, ValidationError

NEW = {"email": "Reza@Example.com", "name": "رضا", "password": "a first secret for him", "role": "user"}


@pytest.fixture
def browser(installation):
    browser = installation.browser()
    browser.sign_in(*installation.admin)
    return browser


def find(installation, email):
    with installation.work() as session:
        return session.scalar(select(User).where(User.email == email))


def test_administrator_adds_a_user_who_can_sign_in(installation, browser):
    assert browser.post("/admin/users/", **NEW).status_code == 302
    assert "reza@example.com" in browser.get("/admin/users/").text
    assert installation.browser().sign_in("REZA@example.com", NEW["password"]).status_code == 302


def test_each_mistake_is_named_and_nothing_is_stored(installation, browser):
    answer = browser.post("/admin/users/", email=installation.sales[0], name="", password="x", role="emperor")
    assert answer.status_code == 422
    for field in ("name", "email", "role", "password"):
        assert f'id="f-{field}-h"' in answer.text
    with installation.work() as session:
        assert len(session.scalars(select(User)).all()) == 2


def test_screen_does_not_exist_for_others(installation):
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    assert browser.get("/admin/users/").status_code == 404
    assert browser.get(f"/admin/users/{find(installation, installation.admin[0]).id}").status_code == 404
    assert browser.post("/admin/users/", **NEW).status_code == 404
    assert find(installation, "reza@example.com") is None


def test_role_password_and_standing_are_changed(installation, browser):
    sara = find(installation, installation.sales[0])
    hers = installation.browser()
    hers.sign_in(*installation.sales)
    url = f"/admin/users/{sara.id}"
    assert browser.get(url).status_code == 200
    browser.post(url, action="role", role="administrator")
    assert hers.get("/admin/users/").status_code == 200
    browser.post(url, action="password", password="given by the administrator")
    assert not hers.is_signed_in
    assert hers.sign_in(sara.email, "given by the administrator").status_code == 302
    browser.post(url, action="deactivate")
    assert not hers.is_signed_in
    browser.post(url, action="reactivate")
    assert installation.browser().sign_in(sara.email, "given by the administrator").status_code == 302


def test_last_administrator_stays(installation, browser):
    admin = find(installation, installation.admin[0])
    url = f"/admin/users/{admin.id}"
    for fields in ({"action": "deactivate"}, {"action": "role", "role": "user"}):
        answer = browser.post(url, **fields)
        assert "This is the last administrator." in browser.get(answer.headers["Location"]).text
    admin = find(installation, installation.admin[0])
    assert admin.active
    assert admin.is_administrator


def test_deactivated_administrator_does_not_count_as_another(installation):
    with installation.work() as session:
        second = users.create_user(session, "second@example.com", "Second", role="administrator")
        users.deactivate(session, second)
        first = session.scalar(select(User).where(User.email == installation.admin[0]))
        with pytest.raises(Blocked):
            users.set_role(session, first, "user")


def test_two_administrators_cannot_remove_each_other_at_once(either_database):
    installation = either_database()
    ids = [installation.add(f"admin{number}@example.com", "a long enough secret", "administrator") for number in (1, 2)]

    def remove(user_id):
        try:
            with installation.work() as session:
                users.deactivate(session, session.get(User, user_id))
        except Blocked:
            return "blocked"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, ids)) == ["blocked", "done"]


@pytest.mark.parametrize("odd", ["0", "2147483647", "2147483648", "9" * 40, "-1"])
def test_odd_numbers_are_not_found(browser, odd):
    assert browser.get(f"/admin/users/{odd}").status_code == 404


def test_unknown_action_and_odd_page_change_nothing(installation, browser):
    assert browser.post(f"/admin/users/{find(installation, installation.sales[0]).id}", action="x").status_code == 400
    for page in ("-1", "0", "99999", "9" * 40, "x"):
        assert browser.get(f"/admin/users/?page={page}").status_code == 200


def test_names_are_text(browser):
    browser.post("/admin/users/", **(NEW | {"name": "<script>alert(1)</script>"}))
    assert "<script>alert(1)" not in browser.get("/admin/users/").text


@pytest.mark.parametrize(
    "address", ["", "sara", "a@b", "a b@example.com", "x" * 300 + "@example.com", "a\0@example.com"]
)
def test_bad_addresses_are_refused(installation, address):
    with installation.work() as session, pytest.raises(ValidationError) as caught:
        users.create_user(session, address, "Somebody")
    assert list(caught.value.errors) == ["email"]


def test_addresses_of_an_office_network_are_accepted(installation):
    installation.add("ali@firm.lan", "a long enough secret")
    assert installation.browser().sign_in("Ali@Firm.lan ", "a long enough secret").status_code == 302


def test_roles_are_seeded_once(installation):
    with installation.work() as session:
        users.seed_roles(session)
        users.seed_roles(session)
