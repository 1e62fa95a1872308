"""Finding users, and what an administrator sees and does on the page of one."""

import re

import pytest
from sqlalchemy import select

from core.accounts import users
from core.accounts.models import SignIn, User
from core.accounts.roles import RoleGrant
from core.records.audit import Audit

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"


@pytest.fixture
def admin(installation):
    browser = installation.browser("192.0.2.200")
    browser.sign_in(*installation.admin)
    return browser


def find(installation, email=None):
    with installation.work() as session:
        return session.scalar(select(User).where(User.email == (email or installation.sales[0])))


def names(page):
    return re.findall(r'<td data-label="Name"><a [^>]*><bdi>([^<]*)</bdi>', page.text)


def test_users_are_found_by_name_address_state_and_role(either_database):
    installation = either_database()
    installation.add(*installation.admin, role="administrator")
    with installation.work() as session:
        for number, name in enumerate(("سارا کریمی", "100% Reza", "Reza_Ahmadi")):
            users.create_user(session, f"p{number}@firm.example", name, "a long enough secret")
        users.create_user(session, "invited@firm.example", "Invited One")
        users.deactivate(session, users.create_user(session, "gone@firm.example", "Gone One", "a long enough secret"))
    admin = installation.browser()
    admin.sign_in(*installation.admin)
    asked = {
        "search=کريمي": ["سارا کریمی"], "search=100%25": ["100% Reza"], "search=a_A": ["Reza_Ahmadi"],
        "search=FIRM.example&state=deactivated": ["Gone One"], "state=invited": ["Invited One"],
        "role=administrator": ["admin"], "state=one_step&role=administrator": ["admin"], "search=nobody": [],
    }  # fmt: skip
    for query, expected in asked.items():
        assert names(admin.get(f"/admin/users/?{query}")) == expected, query
    assert "Nobody is like this" in admin.get("/admin/users/?search=nobody").text
    assert len(names(admin.get("/admin/users/?state=active"))) == 5


def test_pages_of_users_keep_the_search(installation, admin):
    with installation.work() as session:
        for number in range(60):
            users.create_user(session, f"p{number}@firm.example", f"Person {number:02}")
    first = admin.get("/admin/users/?search=person")
    assert len(names(first)) == 50
    where = re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&")
    assert names(admin.get(where)) == [f"Person {number}" for number in range(50, 60)]


@pytest.mark.parametrize("odd", ["state=x", "role=emperor"])
def test_unknown_filter_is_refused_and_odd_text_finds_nobody(admin, odd):
    assert admin.get(f"/admin/users/?{odd}").status_code == 400
    for text in ("%00", "%F0%9F%98%80" * 2000, "'", "\\"):
        assert admin.get(f"/admin/users/?search={text}").status_code == 200


def test_sign_ins_of_a_user_are_listed_and_ended_one_by_one(installation, admin):
    one, other = installation.browser("198.51.100.1"), installation.browser("198.51.100.2")
    for browser, name in ((one, FIREFOX), (other, PHONE)):
        browser.client.environ_base["HTTP_USER_AGENT"] = name
        browser.sign_in(*installation.sales)
    sara = find(installation)
    page = admin.get(f"/admin/users/{sara.id}").text
    for text in ("Firefox on Linux", "Chrome on Android", "198.51.100.1", "Signed in last on"):
        assert text in page
    with installation.work() as session:
        number = session.scalar(select(SignIn.id).where(SignIn.address == "198.51.100.2"))
        own = session.scalar(select(SignIn.id).where(SignIn.address == "192.0.2.200"))
    admin.post(f"/admin/users/{sara.id}", action="end_session", number=str(number))
    assert one.is_signed_in
    assert not other.is_signed_in
    # A number that belongs to somebody else, or to nobody, ends nothing.
    for odd in (str(own), "9999", "x", ""):
        admin.post(f"/admin/users/{sara.id}", action="end_session", number=odd)
    assert admin.is_signed_in
    admin.post(f"/admin/users/{sara.id}", action="end_sessions")
    assert not one.is_signed_in
    with installation.work() as session:
        acts = session.scalars(select(Audit.action).where(Audit.record_type == "core.user")).all()
    assert acts.count("sessions_ended") == 2


def test_own_browsers_are_signed_out_one_by_one(installation):
    one, other = installation.browser("198.51.100.1"), installation.browser("198.51.100.2")
    for browser in (one, other):
        browser.sign_in(*installation.sales)
    stranger = installation.browser()
    stranger.sign_in(*installation.admin)
    path = re.search(r"/profile/sign-out/\d+", one.get("/profile/").text)[0]
    assert stranger.post(path).status_code == 404
    assert other.is_signed_in
    assert one.post(path).status_code == 302
    assert one.is_signed_in
    assert not other.is_signed_in


def test_name_and_address_are_changed(installation, admin):
    sara = find(installation)
    url = f"/admin/users/{sara.id}"
    wrong = admin.post(url, action="describe", name="", email=installation.admin[0])
    assert wrong.status_code == 422
    assert 'id="f-name-h"' in wrong.text
    assert 'id="f-email-h"' in wrong.text
    assert find(installation).name == "sara"
    admin.post(url, action="describe", name="Sara K", email="Sara.K@Example.com")
    assert find(installation, "sara.k@example.com").name == "Sara K"
    assert installation.browser().sign_in("sara.k@example.com", installation.sales[1]).status_code == 302


def test_own_account_asks_for_the_password(installation, admin):
    url = f"/admin/users/{find(installation, installation.admin[0]).id}"
    moved = {"action": "describe", "name": "admin", "email": "elsewhere@example.com"}
    assert admin.post(url, **moved).status_code == 422
    assert find(installation, "elsewhere@example.com") is None
    admin.post(url, action="password", password="taken over by a stranger")
    assert admin.is_signed_in
    assert admin.post(f"/admin/users/invitations/reset/{url.rsplit('/', 1)[1]}").status_code == 302
    assert installation.browser().sign_in(*installation.admin).status_code == 302
    assert admin.post(url, **moved, current_password=installation.admin[1]).status_code == 302
    assert find(installation, "elsewhere@example.com") is not None


def test_whoever_manages_users_cannot_become_administrator(installation, admin):
    admin.post("/admin/users/", email="other@example.com", name="Other", password="a long enough secret", role="user")
    with installation.work() as session:
        sara = session.scalar(select(User).where(User.email == installation.sales[0]))
        role = sara.roles[0]
        session.add(RoleGrant(role_id=role.id, permission="core.users.manage", scope="all"))
        role.rights_version += 1
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    boss = find(installation, installation.admin[0]).id
    assert browser.get("/admin/users/").status_code == 200
    assert browser.get(f"/admin/users/{boss}").status_code == 200
    for fields in (
        {"action": "password", "password": "taken over by a stranger"}, {"action": "two_factor_off"},
        {"action": "deactivate"}, {"action": "end_sessions"},
        {"action": "describe", "name": "x", "email": "taken@example.com"},
    ):  # fmt: skip
        assert browser.post(f"/admin/users/{boss}", **fields).status_code == 404, fields
    assert browser.post(f"/admin/users/invitations/reset/{boss}").status_code == 404
    own = find(installation).id
    assert browser.post(f"/admin/users/{own}", action="role", role="administrator").status_code == 422
    invited = {"name": "X", "email": "x@example.com", "role": "administrator"}
    assert browser.post("/admin/users/invitations/", **invited).status_code == 422
    assert browser.post("/admin/users/", **invited, password="a long enough secret").status_code == 422
    assert admin.is_signed_in
    assert not find(installation).is_administrator
    # What the right is for works.
    other = find(installation, "other@example.com").id
    assert browser.post(f"/admin/users/{other}", action="deactivate").status_code == 302
    assert not find(installation, "other@example.com").active
