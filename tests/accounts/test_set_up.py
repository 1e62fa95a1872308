"""The first administrator."""

import stat
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from core.accounts import set_up
from core.accounts.models import SetUpLink, User

FIRST = {
    "name": "مریم", "email": "Maryam@Example.com", "password": "a long first secret",
    "password_confirm": "a long first secret",
}  # fmt: skip


def make_link(installation):
    with installation.work() as session:
        url = set_up.make_link(session, installation.config)
    return url and url.removeprefix(installation.config.public_url)


def administrators(installation):
    with installation.work() as session:
        return [user.email for user in session.scalars(select(User)) if user.is_administrator]


def test_link_makes_the_administrator_and_signs_in(either_database):
    installation = either_database()
    path = make_link(installation)
    file = set_up.link_file(installation.config)
    assert file.read_text().strip().endswith(path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    browser = installation.browser()
    assert browser.post(path, path, **FIRST).headers["Location"] == "/"
    assert browser.get("/who").text.startswith("مریم|core.")
    assert administrators(installation) == ["maryam@example.com"]
    assert not file.exists()
    assert make_link(installation) is None


def test_link_is_stored_hashed(install):
    installation = install()
    token = make_link(installation).rsplit("/", 1)[1]
    with installation.work() as session:
        assert session.scalar(select(SetUpLink.token_hash)) != token


def test_two_requests_at_once_make_one_administrator(either_database):
    installation = either_database()
    path = make_link(installation)
    browsers = [installation.browser() for _ in range(4)]
    tokens = [browser.token(path) for browser in browsers]

    def redeem(number):
        form = FIRST | {"email": f"first{number}@example.com", "csrf_token": tokens[number]}
        return browsers[number].client.post(path, data=form).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(redeem, range(4)))
    assert answers == [302, 410, 410, 410]
    assert len(administrators(installation)) == 1


def test_used_link_says_so(install):
    installation = install()
    path = make_link(installation)
    installation.browser().post(path, path, **FIRST)
    again = installation.browser().get(path)
    assert again.status_code == 410
    assert "An administrator exists already" in again.text


def test_expired_and_invented_links_are_refused(install):
    installation = install()
    path = make_link(installation)
    token = installation.browser().token(path)
    with installation.work() as session:
        link = session.scalar(select(SetUpLink))
        link.expires_at = link.expires_at - set_up.LIFETIME
    browser = installation.browser()
    for address in (path, "/set-up/invented"):
        assert browser.get(address).status_code == 410
        assert browser.post(address, "/sign-in", **FIRST).status_code == 410
    assert token
    assert administrators(installation) == []


def test_new_link_ends_the_earlier_one(install):
    installation = install()
    earlier, later = make_link(installation), make_link(installation)
    assert installation.browser().get(earlier).status_code == 410
    assert installation.browser().get(later).status_code == 200


def test_mistake_keeps_the_link_and_what_was_typed(install):
    installation = install()
    path = make_link(installation)
    browser = installation.browser()
    for mistake in ({"password": "short", "password_confirm": "short"}, {"password_confirm": "x"}, {"email": "nobody"}):
        answer = browser.post(path, path, **(FIRST | mistake))
        assert answer.status_code == 422
        assert "مریم" in answer.text
    with installation.work() as session:
        assert session.scalar(select(func.count(User.id))) == 0
    assert browser.post(path, path, **FIRST).status_code == 302


def test_page_speaks_the_language_chosen_on_it(install):
    installation = install()
    path = make_link(installation)
    browser = installation.browser()
    assert 'dir="ltr"' in browser.get(path).text.split("<head")[0]
    assert browser.post("/profile/choose", path, language="fa", next=path).headers["Location"] == path
    assert 'lang="fa" dir="rtl"' in browser.get(path).text
