"""The shell around a page is drawn once for who sees the same, and shows each page what is its own."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core.accounts.models import Role, User
from core.accounts.roles import set_grants
from core.testing.installation import Browser, TestInstallation

MakeSite = Callable[..., TestInstallation]


@pytest.fixture
def site(make_site: MakeSite) -> TestInstallation:
    return make_site("contacts")


def change(site: TestInstallation, **values: str) -> None:
    with site.acting() as session:
        session.execute(sa.update(User).where(User.email == "user@example.com").values(values))
        session.commit()


def marked(page: str) -> set[str]:
    """The lines of the menu that are told to be the open page."""
    return set(re.findall(r'<a href="([^"]*)" aria-current="page"><svg', page))


@pytest.mark.parametrize(
    ("path", "line"),
    [("/", "/"), ("/contacts/person/", "/contacts/person/"), ("/contacts/person/new", "/contacts/person/"),
     ("/contacts/company/?search=a", "/contacts/company/"), ("/no-such-page", None)],
)  # fmt: skip
def test_the_line_of_the_open_page_is_marked_on_each_page(site: TestInstallation, path: str, line: str | None) -> None:
    browser = site.browser("user")
    for _ in range(2):
        assert marked(browser.get(path).text) == ({line} if line else set())


def test_switches_come_back_to_the_page_they_stand_on_with_the_token_of_the_session(site: TestInstallation) -> None:
    for _ in range(2):
        browser = site.browser("user")
        for path in ("/contacts/person/?search=%22%3Cb%3E", "/contacts/company/"):
            page = browser.get(path).text
            (token,) = set(re.findall(r'name="csrf_token" value="([^"]*)"', page))
            backs = set(re.findall(r'name="next" value="([^"]*)"', page))
            assert backs == {path if "?" in path else f"{path}?"}
            answer = Browser(site.application, use_cookies=False).post("/profile/choose", data={"theme": "dark"})
            assert answer.status_code == 400
            browser.token = ""
            answer = browser.post("/profile/choose", data={"theme": "dark", "csrf_token": token})
            assert answer.status_code == 302


def test_everybody_has_a_shell_of_his_own(site: TestInstallation) -> None:
    user, administrator = site.browser("user"), site.browser("administrator")
    for _ in range(2):
        assert "administrator@example.com" in administrator.get("/").text
        page = user.get("/").text
        assert "administrator@example.com" not in page
        assert "/users/" not in page


def test_what_changes_about_a_person_is_in_the_next_shell(site: TestInstallation) -> None:
    browser = site.browser("user")
    assert "People" in browser.get("/").text
    change(site, name="<Ada>")
    assert "&lt;Ada&gt;" in browser.get("/").text
    change(site, language="fa")
    page = browser.get("/").text
    assert 'dir="rtl"' in page
    assert "Skip to content" not in page
    change(site, language="en", digits="persian")
    assert r"\u06f0\u06f1\u06f2" in browser.get("/").text
    change(site, theme="dark")
    page = browser.get("/").text
    assert 'name="theme" value="light"' in page
    assert "theme-init" not in page


def test_a_line_of_a_right_given_or_taken_comes_and_goes_with_it(site: TestInstallation) -> None:
    browser = site.browser("user")
    assert "/users/" not in browser.get("/").text
    for scope, there in (("all", True), ("none", False)):
        with site.acting() as session:
            role = session.scalars(sa.select(Role).where(Role.name == "user")).one()
            set_grants(session, role, {"core.users.manage": scope})
            session.commit()
        assert ("/users/" in browser.get("/").text) is there


def test_head_and_rows_of_a_list_follow_columns_order_and_rights(site: TestInstallation) -> None:
    from plugins.contacts.models import Person

    with site.acting() as session:
        session.add(Person(first_name="Ada", city="Shiraz"))
        session.commit()
    browser, path = site.browser("user"), "/contacts/person/"

    def headings(arguments: str) -> list[str]:
        return re.findall(r'<th scope="col" class="col-([a-z_]+)"', browser.get(path + arguments).text)

    for _ in range(2):
        assert headings("?columns=name,city") == ["name", "city"]
        assert headings("?columns=city,name,birthday") == ["city", "name", "birthday"]
        assert 'aria-sort="ascending"' in browser.get(f"{path}?sort=city").text
        assert 'aria-sort="descending"' in browser.get(f"{path}?sort=-city").text
        assert "aria-sort" not in browser.get(path).text
    assert "Edit City of Ada" in browser.get(path).text
    with site.acting() as session:
        role = session.scalars(sa.select(Role).where(Role.name == "user")).one()
        set_grants(session, role, {"contacts.person.edit": "none", "contacts.person.delete": "none"})
        session.commit()
    page = browser.get(path).text
    assert "Ada" in page
    assert "Edit City of Ada" not in page
    assert "Delete “Ada”?" not in page
