"""Signing in and out, and what is closed to those who have not."""

import time
from urllib.parse import urljoin, urlsplit

import pytest
from sqlalchemy import func, select

from core.accounts import users
from core.accounts.actor import NOBODY, acting
from core.accounts.models import SignIn, User
from core.accounts.roles import set_grants
from core.accounts.security import OPEN_ENDPOINTS
from core.accounts.users import hashed
from core.errors import ValidationError
from core.site.runtime import Runtime


def test_signed_in_person_acts_with_the_permissions_of_the_role(installation):
    browser = installation.browser()
    assert browser.sign_in(*installation.admin).headers["Location"] == "/"
    rights = (
        "core.audit.export", "core.audit.keep", "core.audit.see", "core.backups.manage", "core.dashboards.share",
        "core.jobs.manage", "core.jobs.see", "core.mail.manage", "core.modules.manage", "core.operations.see",
        "core.operations.undo", "core.privacy.manage", "core.records.purge", "core.roles.manage", "core.teams.manage",
        "core.users.manage", "core.users.view_as", "core.views.share",
    )  # fmt: skip
    assert browser.get("/who").text == f"admin|{','.join(rights)}"
    assert acting() is NOBODY


def test_permissions_given_to_the_role_itself_count_from_the_next_request(installation):
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    assert browser.get("/who").text == "sara|"
    with installation.work() as session:
        role = session.scalar(select(User).where(User.email == installation.sales[0])).roles[0]
        set_grants(session, role, {"sales.deal.see": "all"})
    assert browser.get("/who").text == "sara|sales.deal.see"


def test_copied_cookie_is_dead_after_sign_out(installation):
    browser, thief = installation.browser(), installation.browser()
    browser.sign_in(*installation.sales)
    thief.client.set_cookie("peyvand_session", browser.cookie)
    assert thief.is_signed_in
    assert browser.sign_out().status_code == 302
    assert not browser.is_signed_in
    assert not thief.is_signed_in


def test_deactivated_person_is_out_at_once_and_cannot_come_back(installation):
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    with installation.work() as session:
        users.deactivate(session, session.scalar(select(User).where(User.email == installation.sales[0])))
    assert not browser.is_signed_in
    refused = installation.browser().sign_in(*installation.sales)
    assert refused.status_code == 200
    assert "is not right" in refused.text


def test_expired_sign_in_is_dead(installation):
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    with installation.work() as session:
        row = session.scalar(select(SignIn))
        row.expires_at = row.created_at
    assert not browser.is_signed_in


def test_token_is_not_stored_readable(installation):
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    with browser.client.session_transaction() as cookie, installation.work() as session:
        assert cookie["sign_in"] != session.scalar(select(SignIn.token_hash))


def test_answer_does_not_tell_who_has_an_account(installation):
    wrong = installation.browser("192.0.2.1").sign_in(installation.sales[0], "not the password")
    unknown = installation.browser("192.0.2.2").sign_in("sarb@example.com", "not the password")
    assert wrong.status_code == unknown.status_code == 200

    def without_token(page):
        return [line for line in page.text.replace("sarb@", "sara@").splitlines() if "csrf" not in line]

    assert without_token(wrong) == without_token(unknown)


def test_time_does_not_tell_who_has_an_account(installation):
    browser = installation.browser()
    token = browser.token("/sign-in")
    took = {installation.sales[0]: [], "nobody@example.com": []}
    # Processor time of this thread, which hashes, and in turns: a busy machine must not decide.
    for _ in range(5):
        for address, runs in took.items():
            start = time.thread_time()
            browser.client.post("/sign-in", data={"csrf_token": token, "email": address, "password": "wrong password"})
            runs.append(time.thread_time() - start)
    known, unknown = (min(runs) for runs in took.values())
    assert 0.6 < known / unknown < 1.7


@pytest.mark.parametrize("field", ["email", "password"])
def test_odd_input_is_only_wrong(installation, field):
    browser = installation.browser()
    for number, odd in enumerate(("", "\0", "a\0b@example.com", "x" * 100_000, "ﷺ" * 1000, "' OR 1=1 --")):
        browser.client.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        fields = {"email": installation.sales[0], "password": "wrong password"} | {field: odd}
        assert browser.sign_in(**fields).status_code == 200, odd[:20]


def test_forms_without_token_are_refused(installation):
    browser = installation.browser()
    fields = {"email": installation.sales[0], "password": installation.sales[1]}
    assert browser.client.post("/sign-in", data=fields).status_code == 400
    assert not browser.is_signed_in
    browser.sign_in(*installation.sales)
    assert browser.client.post("/sign-out").status_code == 400
    assert browser.client.post("/tally").status_code == 400
    assert browser.client.get("/sign-out").status_code == 405
    assert browser.is_signed_in
    assert browser.post("/tally").text == "counted"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "\\\\evil.example", "/\t/evil.example", "javascript:alert(1)"]
)
def test_nobody_is_led_elsewhere(installation, target):
    browser = installation.browser()
    answer = browser.sign_in(*installation.sales, next=target)
    landing = urlsplit(urljoin("http://localhost/sign-in", answer.headers.get("Location", "")))
    assert (landing.scheme, landing.netloc) == ("http", "localhost")
    browser.client.delete_cookie("peyvand_session")
    answer = browser.post("/profile/choose", "/sign-in", language="fa", next=target)
    assert answer.headers["Location"] == "/"


def test_person_lands_on_the_page_asked_for(installation):
    browser = installation.browser()
    asked = browser.get("/profile/?a=1")
    assert asked.status_code == 302
    assert asked.headers["Location"] == "/sign-in?next=/profile/?a%3D1"
    form = browser.get(asked.headers["Location"])
    assert 'value="/profile/?a=1"' in form.text
    assert browser.sign_in(*installation.sales, next="/profile/?a=1").headers["Location"] == "/profile/?a=1"


def test_every_door_is_closed_by_default(installation):
    browser = installation.browser()
    assert browser.get("/no/such/page").status_code == 302
    assert browser.client.get("/", headers={"Accept": "application/json"}).status_code == 401
    part = browser.client.get("/", headers={"Accept": "text/html", "HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (401, "/sign-in")
    assert browser.post("/tally", "/sign-in").status_code == 401
    browser.sign_in(*installation.sales)
    assert browser.get("/no/such/page").status_code == 404


def test_tokens_and_json_are_no_way_in(installation):
    browser = installation.browser()
    headers = {"X-CSRFToken": browser.token("/sign-in")}
    fields = {"email": installation.sales[0], "password": installation.sales[1]}
    answer = browser.client.post("/sign-in?include_auth_token", json=fields, headers=headers)
    assert answer.status_code == 415
    with installation.work() as session:
        person = session.scalar(select(User).where(User.email == installation.sales[0]))
        token = person.get_auth_token()
    for request in ({"headers": {"Authentication-Token": token}}, {"query_string": {"auth_token": token}}):
        assert installation.browser().client.get("/", **request).status_code == 401


def test_session_cookie_is_kept_from_scripts_and_other_sites(install):
    for public_url, secure in (("http://127.0.0.1:8000", False), ("https://crm.example.com", True)):
        browser = install(public_url=public_url).browser()
        cookie = browser.client.get("/sign-in").headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert ("Secure" in cookie) is secure


def test_signing_in_costs_one_query_per_request(installation):
    from sqlalchemy import event

    browser = installation.browser()
    browser.sign_in(*installation.sales)
    statements = []
    event.listen(installation.database.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    browser.get("/who")  # a page that asks for nothing itself
    assert len([text for text in statements if text.startswith("SELECT")]) == 1
    statements.clear()
    installation.browser().get("/sign-in")
    assert statements == []


def test_previous_row_goes_when_the_same_browser_signs_in_again(installation):
    browser = installation.browser()
    for _ in range(3):
        browser.sign_in(*installation.sales)
        browser.sign_out()
    with installation.work() as session:
        assert session.scalar(select(func.count(SignIn.id))) == 0


@pytest.mark.parametrize("password", ["short", "x" * 1025, "1234567890", "aaaaaaaaaaaa", "sara@example.com"])
def test_poor_password_is_refused(installation, password):
    with installation.app.app_context(), pytest.raises(ValidationError):
        hashed(password, email="sara@example.com")


def test_password_is_kept_as_argon2id(installation):
    # Not in the application of the tests, which hashes quickly.
    with Runtime(installation.config).current_site().app.app_context():
        assert hashed("یک جملهٔ بلند فارسی").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_doors_open_to_visitors_are_those_that_were_looked_at(installation):
    """A new one belongs on this list only after somebody has asked what a stranger could do with it."""
    views = installation.app.view_functions
    open_doors = {name for name, view in views.items() if getattr(view, "public", False)} | OPEN_ENDPOINTS
    assert open_doors == {
        "account_links.forgot", "account_links.invitation", "account_links.reset", "health.check", "openid.come_back",
        "openid.leave", "passkeys.enter", "passkeys.entering_options", "profile.choose", "security.login",
        "security.logout", "set_up.page", "two_factor.ask",
    }  # fmt: skip
    before_the_second_step = {name for name, view in views.items() if getattr(view, "before_enrolment", False)}
    assert before_the_second_step - open_doors == {"two_factor.change", "two_factor.index"}
