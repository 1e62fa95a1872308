"""One's own settings."""

import pytest
from sqlalchemy import func, select

from core.accounts.models import SignIn, User

PROFILE = {
    "name": "Sara",
    "language": "en",
    "calendar": "jalali",
    "digits": "",
    "theme": "dark",
    "timezone": "Asia/Tehran",
}


@pytest.fixture
def browser(installation):
    browser = installation.browser()
    browser.sign_in(*installation.sales)
    return browser


def person(installation):
    with installation.work() as session:
        return session.scalar(select(User).where(User.email == installation.sales[0]))


def test_choices_are_separate_and_kept(installation, browser):
    assert browser.post("/profile/", **PROFILE).status_code == 302
    sara = person(installation)
    assert {field: getattr(sara, field) for field in PROFILE} == PROFILE
    page = browser.get("/profile/").text
    assert '<option value="jalali" selected>' in page


@pytest.mark.parametrize("field", ["language", "calendar", "digits", "theme", "timezone", "name"])
def test_value_from_outside_the_list_is_refused(installation, browser, field):
    assert browser.post("/profile/", **(PROFILE | {field: " " if field == "name" else "../etc"})).status_code == 422
    assert person(installation).theme == ""


def test_profile_cannot_give_itself_rights(installation, browser):
    browser.post("/profile/", **PROFILE, role="administrator", roles="administrator", active="", email="x@example.com")
    sara = person(installation)
    assert (sara.email, sara.is_administrator, sara.active) == (installation.sales[0], False, True)


def test_password_change_signs_out_every_other_browser(installation, browser):
    other = installation.browser()
    other.sign_in(*installation.sales)
    before = browser.cookie
    secret = "a completely new secret"
    fields = {"password": installation.sales[1], "new_password": secret, "new_password_confirm": secret}
    assert browser.post("/profile/password", **fields).status_code == 302
    assert browser.is_signed_in
    assert not other.is_signed_in
    other.client.set_cookie("peyvand_session", before)
    assert not other.is_signed_in
    assert installation.browser().sign_in(installation.sales[0], secret).status_code == 302


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password": "not mine at all"}, "password"),
        ({"new_password_confirm": "something else"}, "new_password_confirm"),
        ({"new_password": "short", "new_password_confirm": "short"}, "new_password"),
    ],
)
def test_refused_password_changes_nothing(installation, browser, change, field):
    secret = "a completely new secret"
    fields = {"password": installation.sales[1], "new_password": secret, "new_password_confirm": secret} | change
    answer = browser.post("/profile/password", **fields)
    assert answer.status_code == 422
    assert f'id="f-{field}-h"' in answer.text
    assert installation.browser().sign_in(*installation.sales).status_code == 302


def test_borrowed_browser_is_no_place_to_guess_the_password(browser):
    secret = "a completely new secret"
    fields = {"password": "wrong password", "new_password": secret, "new_password_confirm": secret}
    answers = [browser.post("/profile/password", **fields).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


def test_other_browsers_are_listed_and_can_be_signed_out(installation, browser):
    other = installation.browser("198.51.100.7")
    other.client.environ_base["HTTP_USER_AGENT"] = "Elsewhere/1.0 <script>"
    other.sign_in(*installation.sales)
    page = browser.get("/profile/").text
    assert "Elsewhere/1.0 &lt;script&gt;" in page
    assert "198.51.100.7" in page
    browser.post("/profile/sign-out-others")
    assert browser.is_signed_in
    assert not other.is_signed_in
    with installation.work() as session:
        assert session.scalar(select(func.count(SignIn.id))) == 1


def test_switches_remember_for_visitors_and_for_users(installation, browser):
    visitor = installation.browser()
    answer = visitor.post("/profile/choose", "/sign-in", theme="dark", next="/sign-in?next=/x")
    assert answer.headers["Location"] == "/sign-in?next=/x"
    assert visitor.client.get_cookie("peyvand_theme").value == "dark"
    browser.post("/profile/choose", theme="dark", next="/")
    browser.post("/profile/choose", language="fa", next="/")
    assert (person(installation).theme, person(installation).language) == ("dark", "fa")
    browser.post("/profile/choose", theme="auto", next="/")
    assert person(installation).theme == ""


@pytest.mark.parametrize("odd", [{}, {"language": "xx"}, {"theme": "<b>"}, {"language": "fa", "theme": "xx"}])
def test_unknown_switch_is_refused(browser, odd):
    assert browser.post("/profile/choose", **odd).status_code == 400
    assert browser.client.get("/profile/choose").status_code == 405


def test_page_has_the_look_that_was_chosen(installation, browser):
    visitor = installation.browser()
    assert 'data-theme-choice="auto"' in visitor.get("/sign-in").text
    visitor.client.set_cookie("peyvand_theme", "dark")
    assert 'data-theme-choice="dark"' in visitor.get("/sign-in").text
    visitor.client.set_cookie("peyvand_theme", '"><script>')
    assert 'data-theme-choice="auto"' in visitor.get("/sign-in").text
    browser.post("/profile/", **PROFILE)
    assert 'data-theme-choice="dark"' in browser.get("/profile/").text
