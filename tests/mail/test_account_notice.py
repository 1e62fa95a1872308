"""Whoever owns an account hears by mail when something changes about how it is opened."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyotp
import sqlalchemy as sa

from core.accounts import acts, passkeys, second_factor, users
from core.accounts.models import User
from core.accounts.passkeys import Passkey
from core.mail.models import MAILS
from core.testing.installation import PASSWORD, TestInstallation
from core.web.account_notice import SENTENCES

NEW = "a completely new secret"


def told(postman: Any) -> list[tuple[str, str]]:
    """Whom the mails reached, and what they said; each of them is read once."""
    found = [(mail["To"], mail.get_body(("plain",)).get_content()) for mail in postman.mails]
    postman.mails.clear()
    return found


def change_password(installation: TestInstallation) -> None:
    """Change the password in one's profile, with a browser that says what it is."""
    browser = installation.browser("user")
    form = {"password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW}
    windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Gecko/20100101 Firefox/130.0"
    place = {"REMOTE_ADDR": "192.0.2.7"}
    headers = {"User-Agent": windows}
    answer = browser.post("/profile/password", data=form, headers=headers, environ_overrides=place)
    assert answer.status_code == 302
    installation.run_jobs()


def test_changed_password_is_told_with_when_and_from_where(installation: TestInstallation, postman: Any) -> None:
    change_password(installation)
    ((address, text),) = told(postman)
    assert address == "user@example.com"
    assert "The password was changed." in text
    assert "From: 192.0.2.7 (Firefox on Windows)" in text
    assert re.search(r"When: .*20\d\d", text)
    assert "https://crm.company.com/office/forgot" in text
    assert "By:" not in text
    assert NEW not in text


def test_another_address_is_told_to_the_old_one_too(installation: TestInstallation, postman: Any) -> None:
    person = installation.user("user")
    browser = installation.browser("administrator")
    page = f"/admin/users/{person.id}"
    for form in ({"name": "Sara", "email": "user@example.com"}, {"name": "Sara", "email": "sara@example.com"}):
        assert browser.post(page, data={"action": "describe", **form}).status_code == 302
        installation.run_jobs()
    mails = dict(told(postman))
    assert set(mails) == {"user@example.com", "sara@example.com"}
    for text in mails.values():
        assert "The e-mail address was changed. The new one is sara@example.com." in text
        assert "By: Administrator" in text


def test_every_change_of_the_second_step_is_told(installation: TestInstallation, postman: Any) -> None:
    number = installation.user("user").id
    config = installation.config

    def does(change: Callable[[Any, User], Any]) -> Any:
        with installation.acting() as work:
            result = change(work, work.get_one(User, number))
            work.commit()
        installation.run_jobs()
        return result

    def said() -> list[str]:
        return [text for _address, text in told(postman)]

    key = does(lambda work, user: second_factor.begin(work, config, user))
    assert said() == []
    codes = does(lambda work, user: second_factor.confirm(work, config, user, pyotp.TOTP(key).now(), browser=None))
    (text,) = said()
    assert "Two-step sign-in was switched on." in text
    assert not any(secret in text for secret in (key, *codes))
    assert does(lambda work, user: second_factor.is_code(work, config, user, codes[0]))
    assert "one of the recovery codes" in said()[0]
    does(second_factor.renew_codes)
    assert "New recovery codes were made" in said()[0]
    passkey = Passkey(
        user_id=number, credential_hash="a", credential_id="b", public_key="c", sign_count=0, name="Telephone"
    )
    does(lambda work, _user: work.add(passkey) or work.flush())
    made = does(lambda work, _user: work.scalar(sa.select(Passkey.id)))
    assert does(lambda work, user: passkeys.remove(work, user, made))
    assert "A passkey was removed." in said()[0]
    does(second_factor.switch_off)
    assert "Two-step sign-in was switched off" in said()[0]


def test_every_such_change_has_its_sentence() -> None:
    assert set(SENTENCES) == acts.OPENS | {acts.CHANGED}


def test_notice_speaks_its_readers_language(installation: TestInstallation, postman: Any) -> None:
    installation.user("user")
    with installation.acting() as work:
        work.execute(sa.update(User).values(language="fa"))
        work.commit()
    change_password(installation)
    ((_address, text),) = told(postman)
    assert "گذرواژه تغییر کرد." in text
    assert "۱۴" in text


def test_first_password_and_other_changes_are_no_news(installation: TestInstallation, postman: Any) -> None:
    with installation.acting() as work:
        user = users.create_user(work, "sara@example.com", "Sara")
        users.set_password(work, user, NEW)
        users.describe(work, user, "Sara Ahmadi", user.email)
        work.commit()
    installation.run_jobs()
    assert told(postman) == []


def test_nothing_breaks_where_no_mail_is_set_up(make_site: Callable[..., TestInstallation]) -> None:
    installation = make_site("contacts")
    change_password(installation)
    with installation.runtime.database.engine.connect() as connection:
        assert connection.execute(sa.select(MAILS)).all() == []
