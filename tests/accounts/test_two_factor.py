"""The second step of a sign-in."""

import re
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pyotp
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from core.accounts import pending, second_factor, users
from core.accounts.models import Role, SignIn, User
from core.accounts.pending import PendingSignIn
from core.accounts.second_factor import RecoveryCode, SecondFactor
from core.cli import main
from core.database.secrets import Secret
from core.records.audit import Audit

NOON = 1_796_040_000
PAGE = "/profile/two-step"


def person(installation, email=None):
    with installation.work() as session:
        return session.scalar(select(User).where(User.email == (email or installation.sales[0])))


def app_of(browser):
    """The app on the telephone, given the key that the page shows."""
    key = re.search(r'class="app-key"[^>]*>([^<]+)<', browser.get(PAGE).text)[1]
    return pyotp.TOTP(key.replace(" ", ""))


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The half minute does not end in the middle of a test."""
    monkeypatch.setattr(second_factor, "time", SimpleNamespace(time=lambda: NOON))


def code_of(app, steps=0):
    return app.at(NOON + 30 * steps)


def enrol(browser, password):
    """Set it up; the app and the recovery codes."""
    assert browser.post(PAGE, PAGE, action="begin", password=password).status_code == 303
    app = app_of(browser)
    page = browser.post(PAGE, PAGE, action="confirm", code=code_of(app, -1))
    assert page.status_code == 200
    return app, re.findall(r"<li><code>([a-z0-9-]+)</code>", page.text)


def acts(installation):
    with installation.work() as session:
        statement = select(Audit.action).where(Audit.record_type.in_(["core.user", "core.role"])).order_by(Audit.id)
        return list(session.scalars(statement))


@pytest.fixture
def browser(installation):
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    return browser


@pytest.fixture
def enrolled(installation, browser):
    """The app and the codes of the salesperson, whose browser is signed out."""
    app, codes = enrol(browser, installation.sales[1])
    browser.sign_out()
    return app, codes


def ask(installation, browser):
    """Show the password; the page that asks for the code comes."""
    answer = browser.sign_in(*installation.sales)
    assert answer.headers["Location"].startswith("/sign-in/code")
    return answer


def test_code_is_asked_for_after_the_password_and_before_any_session(either_database):
    installation = either_database()
    installation.add(*installation.sales)
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    app, codes = enrol(browser, installation.sales[1])
    assert len(set(codes)) == 10
    assert browser.is_signed_in
    browser.sign_out()

    ask(installation, browser)
    assert not browser.is_signed_in
    with installation.work() as session:
        assert session.scalars(select(SignIn)).all() == []
    wrong = browser.post("/sign-in/code", "/sign-in/code", code="000000")
    assert wrong.status_code == 422
    assert not browser.is_signed_in
    assert browser.post("/sign-in/code", "/sign-in/code", code=code_of(app)).headers["Location"] == "/"
    assert browser.is_signed_in
    assert acts(installation) == [
        "created", "signed_in", "two_factor_on", "signed_out", "sign_in_failed", "signed_in",
    ]  # fmt: skip


def test_code_works_once(installation, enrolled):
    app, _codes = enrolled
    first, second = installation.browser(), installation.browser()
    ask(installation, first)
    ask(installation, second)
    code = code_of(app)
    assert first.post("/sign-in/code", "/sign-in/code", code=code).status_code == 302
    assert second.post("/sign-in/code", "/sign-in/code", code=code).status_code == 422
    assert not second.is_signed_in
    # Not an earlier one either, which somebody may have seen over a shoulder.
    assert second.post("/sign-in/code", "/sign-in/code", code=code_of(app, -1)).status_code == 422
    assert second.post("/sign-in/code", "/sign-in/code", code=code_of(app, 1)).status_code == 302


def test_of_two_requests_with_one_code_one_succeeds(either_database):
    installation = either_database()
    installation.add(*installation.sales)
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    app, codes = enrol(browser, installation.sales[1])
    for code in (code_of(app), codes[0]):
        browsers = [installation.browser(f"192.0.2.{number}") for number in range(3)]
        for other in browsers:
            ask(installation, other)
        tokens = [other.token("/sign-in/code") for other in browsers]

        def send(number, browsers=browsers, tokens=tokens, code=code):
            form = {"csrf_token": tokens[number], "code": code}
            return browsers[number].client.post("/sign-in/code", data=form).status_code

        with ThreadPoolExecutor(3) as pool:
            assert sorted(pool.map(send, range(3))) == [302, 422, 422]


def test_code_is_read_in_persian_digits_and_with_spaces(installation, browser, enrolled):
    app, _codes = enrolled
    ask(installation, browser)
    code = code_of(app).translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    assert browser.post("/sign-in/code", "/sign-in/code", code=f" {code[:3]} {code[3:]}").status_code == 302


def test_recovery_code_works_once_and_is_stored_hashed(installation, browser, enrolled):
    _app, codes = enrolled
    ask(installation, browser)
    assert browser.post("/sign-in/code", "/sign-in/code", code=codes[0].upper().replace("-", " ")).status_code == 302
    assert "9" in browser.get(PAGE).text
    browser.sign_out()
    ask(installation, browser)
    assert browser.post("/sign-in/code", "/sign-in/code", code=codes[0]).status_code == 422
    with installation.work() as session:
        assert len(session.scalars(select(RecoveryCode)).all()) == 9
        assert codes[1] not in str(session.scalars(select(RecoveryCode.code_hash)).all())
    assert "recovery_code_used" in acts(installation)


def test_codes_are_shown_once_and_new_ones_replace_them(installation, browser):
    app, codes = enrol(browser, installation.sales[1])
    assert codes[0] not in browser.get(PAGE).text
    wrong = browser.post(PAGE, PAGE, action="codes", password="not the password")
    assert wrong.status_code == 422
    page = browser.post(PAGE, PAGE, action="codes", password=installation.sales[1])
    fresh = re.findall(r"<li><code>([a-z0-9-]+)</code>", page.text)
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    browser.sign_out()
    ask(installation, browser)
    assert browser.post("/sign-in/code", "/sign-in/code", code=codes[5]).status_code == 422
    assert browser.post("/sign-in/code", "/sign-in/code", code=fresh[5]).status_code == 302
    assert app


def test_guessing_codes_ends_after_five(installation, browser, enrolled):
    app, _codes = enrolled
    ask(installation, browser)
    answers = [browser.post("/sign-in/code", "/sign-in/code", code=f"00000{number}").status_code for number in range(5)]
    assert answers == [422] * 5
    # The browser has to show the password again, and even that makes no room for more codes.
    assert browser.get("/sign-in/code").headers["Location"] == "/sign-in"
    ask(installation, browser)
    refused = browser.post("/sign-in/code", "/sign-in/code", code=code_of(app))
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert not browser.is_signed_in
    elsewhere = installation.browser("198.51.100.9")
    ask(installation, elsewhere)
    assert elsewhere.post("/sign-in/code", "/sign-in/code", code=code_of(app)).status_code == 302


def test_pending_state_is_bound_to_the_browser_and_short(installation, browser, enrolled):
    app, _codes = enrolled
    ask(installation, browser)
    stranger = installation.browser()
    assert stranger.get("/sign-in/code").headers["Location"] == "/sign-in"
    assert stranger.post("/sign-in/code", "/sign-in", code=code_of(app)).headers["Location"] == "/sign-in"
    with installation.work() as session:
        row = session.scalar(select(PendingSignIn))
        assert 0 < (row.expires_at - second_factor.now()).total_seconds() <= pending.LIFETIME.total_seconds()
        row.expires_at = second_factor.now()
    late = browser.post("/sign-in/code", "/sign-in", code=code_of(app))
    assert late.headers["Location"] == "/sign-in"
    assert "took too long" in browser.get("/sign-in").text
    assert not browser.is_signed_in


@pytest.mark.parametrize("change", ["password", "deactivate"])
def test_pending_state_ends_with_the_account(installation, browser, enrolled, change):
    app, _codes = enrolled
    ask(installation, browser)
    token = browser.token("/sign-in/code")
    with installation.work() as session:
        user = session.scalar(select(User).where(User.email == installation.sales[0]))
        if change == "password":
            users.set_password(session, user, "a completely new secret")
        else:
            users.deactivate(session, user)
    browser.client.post("/sign-in/code", data={"csrf_token": token, "code": code_of(app)})
    assert not browser.is_signed_in


def test_copied_cookie_of_the_pending_state_is_worth_nothing_afterwards(installation, browser, enrolled):
    app, _codes = enrolled
    ask(installation, browser)
    cookie = browser.cookie
    browser.post("/sign-in/code", "/sign-in/code", code=code_of(app))
    thief = installation.browser()
    thief.client.set_cookie("peyvand_session", cookie)
    assert thief.get("/sign-in/code").headers["Location"] == "/sign-in"
    assert not thief.is_signed_in


def test_person_lands_on_the_page_asked_for_and_nowhere_else(installation, browser, enrolled):
    app, _codes = enrolled
    where = browser.sign_in(*installation.sales, next="/profile/?a=1").headers["Location"]
    assert browser.post(where, where, code=code_of(app)).headers["Location"] == "/profile/?a=1"
    for number, target in enumerate(("//evil.example", "https://evil.example/"), 1):
        browser.sign_out()
        ask(installation, browser)
        where = f"/sign-in/code?next={target}"
        answer = browser.post(where, where, code=_codes[number])
        assert answer.headers["Location"] == "/"


def test_enrolment_asks_the_password_again(installation, browser):
    for action in ("begin", "codes", "off"):
        answer = browser.post(PAGE, PAGE, action=action, password="not the password")
        assert answer.status_code == 422
    assert browser.post(PAGE, PAGE, action="x").status_code == 400
    with installation.work() as session:
        assert session.scalar(select(SecondFactor)) is None
    answers = [browser.post(PAGE, PAGE, action="begin", password="wrong").status_code for _ in range(3)]
    assert answers == [422, 422, 429]


def test_it_is_off_until_a_first_code_is_typed(installation, browser):
    browser.post(PAGE, PAGE, action="begin", password=installation.sales[1])
    app = app_of(browser)
    assert browser.post(PAGE, PAGE, action="confirm", code="000000").status_code == 422
    assert person(installation).two_factor_at is None
    assert installation.browser().sign_in(*installation.sales).headers["Location"] == "/"
    assert browser.post(PAGE, PAGE, action="confirm", code=code_of(app)).status_code == 200
    assert person(installation).two_factor_at is not None
    # A form that is sent again changes nothing.
    assert browser.post(PAGE, PAGE, action="confirm", code=code_of(app, 1)).status_code == 303


def test_switching_it_on_signs_out_every_other_browser(installation, browser):
    other = installation.browser()
    other.sign_in(*installation.sales)
    enrol(browser, installation.sales[1])
    assert browser.is_signed_in
    assert not other.is_signed_in


def test_switching_it_off_leaves_nothing(installation, browser):
    enrol(browser, installation.sales[1])
    assert browser.post(PAGE, PAGE, action="off", password=installation.sales[1]).status_code == 303
    with installation.work() as session:
        for table in (SecondFactor, RecoveryCode, Secret):
            assert session.scalars(select(table)).all() == []
    browser.sign_out()
    assert browser.sign_in(*installation.sales).headers["Location"] == "/"
    assert acts(installation)[-3:] == ["two_factor_off", "signed_out", "signed_in"]


def test_key_and_codes_are_shown_to_nobody_else(installation, browser):
    app, codes = enrol(browser, installation.sales[1])
    key = app.secret
    with installation.work() as session:
        assert key not in str(session.scalars(select(Secret.sealed)).all())
        told = str([row.changes for row in session.scalars(select(Audit))])
    assert key not in told
    assert not [code for code in codes if code in told]
    assert key not in browser.get(PAGE).text


def role_page(installation, name="user"):
    with installation.work() as session:
        return f"/admin/roles/{session.scalar(select(Role.id).where(Role.name == name))}"


def test_role_that_requires_it_leads_to_enrolment_and_nowhere_else(installation, browser):
    admin = installation.browser()
    admin.sign_in(*installation.admin)
    assert browser.get("/").status_code == 200
    page = role_page(installation)
    assert "It is not required of whoever has this role." in admin.get(page).text
    assert admin.post(f"{page}/two-step", page, required="1").status_code == 303
    for path in ("/", "/profile/", "/who", "/no/such/page"):
        assert browser.get(path).headers["Location"] == PAGE, path
    assert browser.client.get("/", headers={"Accept": "application/json"}).status_code == 403
    assert browser.post("/tally", PAGE).status_code == 403
    part = browser.client.get("/", headers={"Accept": "text/html", "HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (403, PAGE)
    assert browser.post("/profile/choose", PAGE, theme="dark", next=PAGE).headers["Location"] == PAGE
    assert admin.get("/").status_code == 200
    enrol(browser, installation.sales[1])
    assert browser.get("/").status_code == 200
    assert browser.post(PAGE, PAGE, action="off", password=installation.sales[1]).status_code in (400, 422)
    assert person(installation).two_factor_at is not None
    assert admin.post(f"{page}/two-step", page).status_code == 303
    with installation.work() as session:
        assert not any(session.scalars(select(Role.two_factor_required)))


def test_whoever_must_enrol_can_sign_out(installation, browser):
    with installation.work() as session:
        role = session.scalars(select(Role).where(Role.name == "user")).one()
        second_factor.require_of(session, role, required=True)
    assert browser.post("/sign-out", PAGE).status_code == 302
    assert browser.get("/").headers["Location"] == "/sign-in"


def test_administrator_takes_a_lost_second_step_away(installation, browser):
    enrol(browser, installation.sales[1])
    admin = installation.browser()
    admin.sign_in(*installation.admin)
    url = f"/admin/users/{person(installation).id}"
    assert "Take the second step away" in admin.get(url).text
    admin.post(url, action="two_factor_off")
    assert person(installation).two_factor_at is None
    assert browser.post(url, action="two_factor_off").status_code == 404
    assert browser.post(f"{role_page(installation)}/two-step", required="1").status_code == 404
    assert installation.browser().sign_in(*installation.sales).headers["Location"] == "/"


def test_command_takes_it_away_too(installation, browser, monkeypatch):
    enrol(browser, installation.sales[1])
    for name, value in installation.config.environment().items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(main, ["user", "two-step-off", installation.sales[0]])
    assert told.output == f"{installation.sales[0]} signs in with the password alone.\n"
    assert person(installation).two_factor_at is None


def test_lost_encryption_key_leaves_recovery_codes_working(installation, browser, enrolled):
    app, codes = enrolled
    installation.config.encryption_key_file.unlink()
    ask(installation, browser)
    answer = browser.post("/sign-in/code", "/sign-in/code", code=code_of(app))
    assert answer.status_code == 503
    assert "Use a recovery code" in answer.text
    assert browser.post("/sign-in/code", "/sign-in/code", code=codes[0]).status_code == 302


@pytest.mark.parametrize("odd", ["", "\0", "1" * 100_000, "-00000", "１２３４５６", "' OR 1=1", "٣٤٥"])
def test_odd_codes_are_only_wrong(installation, browser, enrolled, odd):
    assert enrolled
    ask(installation, browser)
    assert browser.post("/sign-in/code", "/sign-in/code", code=odd).status_code == 422


def test_form_without_token_is_refused(installation, browser, enrolled):
    app, _codes = enrolled
    ask(installation, browser)
    assert browser.client.post("/sign-in/code", data={"code": code_of(app)}).status_code == 400
    assert not browser.is_signed_in


def test_whoever_views_as_the_user_does_not_see_the_key(installation, browser):
    browser.post(PAGE, PAGE, action="begin", password=installation.sales[1])
    assert "app-key" in browser.get(PAGE).text
    admin = installation.browser()
    admin.sign_in(*installation.admin)
    assert admin.post(f"/view-as/{person(installation).id}").status_code == 303
    assert admin.get("/who").text.startswith("sara|")
    assert admin.get(PAGE).status_code == 404
