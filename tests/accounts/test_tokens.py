"""Access tokens: who makes them, what they open, and what they never do."""

import datetime as dt
import re

import pytest
from sqlalchemy import select

from core.accounts import tokens, users
from core.accounts.actor import acting
from core.accounts.models import Role, User, now
from core.accounts.roles import RoleGrant
from core.accounts.security import accounts
from core.accounts.throttle import REFUSALS_PER_ADDRESS, REQUESTS_PER_TOKEN
from core.accounts.token_door import for_tokens
from core.accounts.tokens import AccessToken, Wish
from core.database.engine import reading
from core.records.audit import Audit

PAGE = "/profile/tokens/"


@pytest.fixture
def door(installation):
    """An installation with an address for programs, which says who acts and tries to store something."""

    def view():
        return f"{acting().name}|{','.join(sorted(acting().roles))}|{acting().source}"

    def write():
        accounts().database.session.get(User, acting().user_id).name = "Changed"
        accounts().database.session.commit()
        return "stored"

    add = installation.app.add_url_rule
    add("/for-programs", "for_programs", for_tokens(view), methods=["GET"])
    add("/for-programs", "program_writes", for_tokens(write), methods=["POST"])
    # What a route must not do, and the session keeps it from.
    add("/careless", "careless", for_tokens(write))
    return installation


def make(installation, email=None, **wish):
    """A token of the salesperson, or of somebody else."""
    with installation.work() as session:
        user = session.scalar(select(User).where(User.email == (email or installation.sales[0])))
        token, secret = tokens.make(session, user, Wish(**({"name": "Report"} | wish)))
        return token.id, secret


def ask(installation, secret, path="/for-programs", method="GET", address="192.0.2.7", **headers):
    client = installation.app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {secret}"} | headers
    return client.open(path, method=method, headers=headers, environ_base={"REMOTE_ADDR": address})


def acts(installation, action):
    with installation.work() as session:
        return session.scalars(select(Audit).where(Audit.action == action).order_by(Audit.id)).all()


def stored(installation, number):
    with installation.work() as session:
        return session.get(AccessToken, number)


def form(installation, **fields):
    return {"name": "Nightly report", "days": "30", "access": "read", "password": installation.sales[1]} | fields


@pytest.fixture
def sara(installation):
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    return browser


# --- one's own page


def test_a_token_is_made_shown_once_and_stored_as_a_hash(installation, sara):
    assert "You have none" in sara.get(PAGE).text
    page = sara.post(PAGE, PAGE, **form(installation))
    secret = re.search(r">(pvd_[\w-]{43})<", page.text)[1]
    assert page.headers["Cache-Control"] == "no-store"
    again = sara.get(PAGE).text
    assert secret not in again
    assert "Nightly report" in again
    with installation.work() as session:
        row = session.scalars(select(AccessToken)).one()
        assert secret not in repr(vars(row))
        assert (row.token_hash, row.writes, row.last_used_at) == (tokens.token_hash(secret), False, None)
        assert dt.timedelta(days=29) < row.expires_at - now() <= dt.timedelta(days=30)
    (act,) = acts(installation, "token_made")
    assert secret not in str(act.changes)
    assert act.changes["token"] == [None, "Nightly report"]


@pytest.mark.parametrize(
    ("wrong", "status", "sentence"),
    [
        ({"name": " "}, 422, "Say what the token is for."),
        ({"days": "3650"}, 422, "Please choose from the list."),
        ({"days": "-1"}, 422, "Please choose from the list."),
        ({"roles": "chosen", "role": "1"}, 422, "Choose one or more of your roles."),
        ({"roles": "chosen"}, 422, "Choose one or more of your roles."),
        ({"record_types": "chosen", "record_type": "core.user"}, 422, "Choose one or more record types."),
        ({"password": "a wrong password"}, 422, "This is not your current password."),
    ],
)
def test_a_token_that_cannot_be_made_is_refused_beside_the_field(installation, sara, wrong, status, sentence):
    with installation.work() as session:
        foreign = session.scalar(select(Role.id).where(Role.name == "administrator"))
        second = Role(name="Second", permissions=[])
        session.add(second)
        session.flush()
        user = session.scalar(select(User).where(User.email == installation.sales[0]))
        user.roles.append(second)
    if "role" in wrong:
        wrong = wrong | {"role": str(foreign)}
    page = sara.post(PAGE, PAGE, **form(installation, **wrong))
    assert page.status_code == status
    assert sentence in page.text
    assert "pvd_" not in page.text
    assert ('value="Nightly report"' in page.text) == ("name" not in wrong)
    with installation.work() as session:
        assert session.scalars(select(AccessToken)).all() == []
    assert "pvd_" in sara.post(PAGE, PAGE, **form(installation)).text


def test_nobody_has_more_tokens_than_he_can_look_after(installation, sara):
    with installation.work() as session:
        user = session.scalar(select(User).where(User.email == installation.sales[0]))
        for number in range(tokens.MOST - 1):
            tokens.make(session, user, Wish(f"Token {number}"))
    assert "pvd_" in sara.post(PAGE, PAGE, **form(installation)).text
    page = sara.post(PAGE, PAGE, **form(installation))
    assert page.status_code == 422
    assert "You have too many tokens" in page.text


def test_a_token_is_revoked_by_its_owner_and_by_nobody_else(door, sara):
    number, secret = make(door)
    other, _secret = make(door, door.admin[0])
    assert sara.post(f"{PAGE}{other}/revoke", PAGE).status_code == 404
    assert stored(door, other).revoked_at is None
    assert ask(door, secret).status_code == 200
    assert sara.post(f"{PAGE}{number}/revoke", PAGE).status_code == 303
    assert ask(door, secret).status_code == 401
    assert "Revoked" in sara.get(PAGE).text
    assert sara.post(f"{PAGE}{number}/revoke", PAGE).status_code == 404
    assert [row.changes["token"] for row in acts(door, "token_revoked")] == [["Report", None]]


# --- the page of a user


def test_administrators_see_and_revoke_tokens_of_others_and_cannot_make_them(door):
    admin = door.browser("192.0.2.200")
    admin.sign_in(*door.admin)
    with door.work() as session:
        sara_id = session.scalar(select(User.id).where(User.email == door.sales[0]))
    page = f"/admin/users/{sara_id}"
    assert "No program acts for this user." in admin.get(page).text
    first, one = make(door)
    _number, two = make(door, name="Second")
    shown = admin.get(page).text
    assert "Report" in shown
    assert "pvd_" + one[4:8] in shown
    assert one not in shown
    admin.post(page, page, action="revoke_token", number=str(first))
    assert [ask(door, one).status_code, ask(door, two).status_code] == [401, 200]
    admin.post(page, page, action="revoke_tokens")
    assert ask(door, two).status_code == 401


def test_whoever_may_not_manage_users_revokes_nobody_elses(door, sara):
    number, secret = make(door, door.admin[0])
    with door.work() as session:
        admin_id = session.scalar(select(User.id).where(User.email == door.admin[0]))
    assert sara.post(f"/admin/users/{admin_id}", action="revoke_token", number=str(number)).status_code == 404
    assert ask(door, secret).status_code == 200


def test_a_manager_of_users_leaves_the_tokens_of_administrators_alone(door, sara):
    number, secret = make(door, door.admin[0])
    with door.work() as session:
        role = session.scalar(select(Role).where(Role.name == "user"))
        session.add(RoleGrant(role_id=role.id, permission="core.users.manage", scope="all"))
        role.rights_version += 1
        admin_id = session.scalar(select(User.id).where(User.email == door.admin[0]))
    assert sara.get(f"/admin/users/{admin_id}").status_code == 200
    assert sara.post(f"/admin/users/{admin_id}", action="revoke_token", number=str(number)).status_code == 404
    assert ask(door, secret).status_code == 200


# --- at the door


def test_a_good_token_acts_for_its_user_from_a_program(door):
    _number, secret = make(door)
    answer = ask(door, secret)
    assert answer.text == "sara|user|api"
    assert "Set-Cookie" not in answer.headers


def test_without_a_good_token_nobody_comes_in(door):
    for sent in (None, "Bearer ", "Basic eDp5", "Bearer pvd_x", "pvd_x", "Bearer \u06f1"):
        headers = {} if sent is None else {"Authorization": sent.encode().decode("latin-1")}
        client = door.app.test_client(use_cookies=False)
        answer = client.get("/for-programs", headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.mimetype == "application/problem+json"
        assert answer.json["status"] == 401


def test_a_token_opens_no_page_and_a_cookie_opens_nothing_for_programs(door, sara):
    _number, secret = make(door, door.admin[0])
    for path in ("/profile/", "/who", "/admin/users/"):
        assert ask(door, secret, path, Accept="text/html").status_code == 302, path
    assert sara.is_signed_in
    assert sara.client.get("/for-programs").status_code == 401
    assert sara.client.post("/for-programs", data={"csrf_token": sara.token(PAGE)}).status_code == 401
    # A program's own cookies do not count beside its token.
    answer = sara.client.get("/for-programs", headers={"Authorization": f"Bearer {secret}"})
    assert answer.text.startswith("admin|")


def test_a_token_that_has_ended_is_refused_and_the_audit_says_so(door):
    number, secret = make(door)
    assert ask(door, secret).status_code == 200
    with door.work() as session:
        session.get(AccessToken, number).expires_at = now() - dt.timedelta(seconds=1)
    answer = ask(door, secret)
    assert (answer.status_code, answer.json["detail"]) == (401, "This access token has expired.")
    assert ask(door, "pvd_unknown").status_code == 401
    known, unknown = acts(door, "token_refused")
    assert (known.changes["token"], known.address, known.source) == ([None, "Report"], "192.0.2.7", "api")
    assert unknown.changes["user"] == [None, None]


def test_a_deactivated_owner_ends_tokens_for_good(door):
    _number, secret = make(door)
    with door.work() as session:
        users.deactivate(session, session.scalar(select(User).where(User.email == door.sales[0])))
    assert ask(door, secret).status_code == 401
    with door.work() as session:
        users.reactivate(session, session.scalar(select(User).where(User.email == door.sales[0])))
    assert ask(door, secret).status_code == 401


def test_an_inactive_owner_is_refused_however_he_became_so(door):
    _number, secret = make(door)
    with door.work() as session:
        session.scalar(select(User).where(User.email == door.sales[0])).active = False
    assert ask(door, secret).json["detail"] == "The account of this access token is not active."


def test_another_password_leaves_tokens_alone(door):
    _number, secret = make(door)
    with door.work() as session:
        user = session.scalar(select(User).where(User.email == door.sales[0]))
        users.set_password(session, user, "another long enough secret")
    assert ask(door, secret).status_code == 200


def test_who_must_set_up_the_second_step_has_no_programs_before(door):
    _number, secret = make(door)
    with door.work() as session:
        session.scalar(select(Role).where(Role.name == "user")).two_factor_required = True
    assert ask(door, secret).status_code == 401


def test_a_token_of_some_roles_has_those_that_its_user_still_has(door):
    with door.work() as session:
        user = session.scalar(select(User).where(User.email == door.sales[0]))
        second = Role(name="Second", permissions=[])
        user.roles.append(second)
        session.flush()
        number = second.id
    _one, narrow = make(door, roles={number})
    _two, wide = make(door, name="All")
    assert ask(door, narrow).text.split("|")[1] == "Second"
    assert ask(door, wide).text.split("|")[1] == "Second,user"
    with door.work() as session:
        user = session.scalar(select(User).where(User.email == door.sales[0]))
        user.roles = [role for role in user.roles if role.name != "Second"]
    assert ask(door, narrow).text.split("|")[1] == ""
    assert ask(door, wide).text.split("|")[1] == "user"


def test_a_token_that_only_reads_stores_nothing_whatever_the_route_does(door):
    _one, reads = make(door)
    _two, writes = make(door, name="Writer", writes=True)

    refused = ask(door, reads, method="POST")
    assert (refused.status_code, refused.json["detail"]) == (403, "This token may only read.")
    assert ask(door, reads, "/careless").status_code == 404
    with door.work() as session:
        assert session.scalar(select(User.name).where(User.email == door.sales[0])) == "sara"
    assert ask(door, writes, method="POST").text == "stored"
    with door.work() as session:
        assert session.scalar(select(User.name).where(User.email == door.sales[0])) == "Changed"


def test_a_token_never_administers(door):
    _number, secret = make(door, door.admin[0], writes=True)
    with door.work() as session:
        token = tokens.find(session, secret).token
        permissions = tokens.actor_of_token(session, token).permissions
        assert [name for name in permissions if name.startswith("core.")] == []


def test_use_is_noted_at_most_once_a_minute(door):
    number, secret = make(door)
    ask(door, secret, address="192.0.2.7")
    first = stored(door, number)
    assert (first.last_used_from, now() - first.last_used_at < dt.timedelta(seconds=30)) == ("192.0.2.7", True)
    ask(door, secret, address="192.0.2.8")
    assert stored(door, number).last_used_from == "192.0.2.7"
    with door.work() as session:
        session.get(AccessToken, number).last_used_at = now() - dt.timedelta(minutes=2)
    ask(door, secret, address="192.0.2.8")
    assert stored(door, number).last_used_from == "192.0.2.8"


def test_a_program_is_not_kept_waiting_by_whoever_writes(door):
    _number, secret = make(door)
    # SQLite's one writer; and a request that reads, as the front of a process has it answered.
    with door.database.engine.connect() as connection, connection.begin(), reading():
        assert ask(door, secret).status_code == 200


def test_a_token_is_used_so_often_a_minute_and_no_more(door):
    number, secret = make(door)
    _other, another = make(door, name="Another")
    with door.app.app_context():
        for _time in range(REQUESTS_PER_TOKEN.amount - 1):
            assert accounts().throttle.count_request(number) == 0
    assert ask(door, secret).status_code == 200
    answer = ask(door, secret)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert ask(door, another).status_code == 200


def test_too_many_refusals_fill_no_audit_and_keep_nobody_out(door):
    _number, secret = make(door)
    answers = [ask(door, f"pvd_{number}").status_code for number in range(REFUSALS_PER_ADDRESS.amount + 3)]
    assert answers == [401] * REFUSALS_PER_ADDRESS.amount + [429] * 3
    assert len(acts(door, "token_refused")) == REFUSALS_PER_ADDRESS.amount
    assert ask(door, secret).status_code == 200


def test_tokens_are_found_on_either_database(either_database):
    installation = either_database()
    installation.add(*installation.sales)
    number, secret = make(installation, record_types=None)
    with installation.work() as session:
        found = tokens.find(session, secret)
        assert (found.token.id, found.token.user.email) == (number, installation.sales[0])
        assert tokens.find(session, secret + "x") is None
    tokens.note_use(installation.database, found.token, "192.0.2.9")
    assert stored(installation, number).last_used_from == "192.0.2.9"
    with installation.work() as session:
        user = session.scalar(select(User).where(User.email == installation.sales[0]))
        assert tokens.revoke_all(session, user) == 1
        assert tokens.revoke_all(session, user) == 0
