"""From where a visitor comes is what the connection says, or proxies that the configuration counts."""

import pytest
import sqlalchemy as sa

from core.accounts.models import SignIn
from core.serve import wsgi
from core.testing.installation import PASSWORD, Browser

SENT = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Host": "evil.example"}


@pytest.mark.parametrize(("proxies", "seen"), [(0, "192.0.2.1"), (1, "198.51.100.7"), (2, "203.0.113.9")])
def test_forwarded_addresses_count_only_behind_as_many_proxies_as_are_configured(
    make_site, monkeypatch, proxies, seen
):
    site = make_site(trusted_proxies=proxies)
    site.user("administrator")
    for name, value in site.config.environment().items():
        monkeypatch.setenv(name, value)
    browser = Browser(wsgi.create())
    place = {"REMOTE_ADDR": "192.0.2.1"}
    browser.get("/sign-in", environ_overrides=place)
    form = {"email": "administrator@example.com", "password": PASSWORD}

    answer = browser.post("/sign-in", data=form, headers=SENT, environ_overrides=place)

    assert answer.status_code == 302
    with site.acting() as session:
        assert session.scalars(sa.select(SignIn.address)).all() == [seen]
