"""Sign-in through a provider of OpenID Connect, against one that runs."""

import base64
import dataclasses
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Response
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select

from core.accounts import openid, second_factor, users
from core.accounts.models import SignIn, User
from core.accounts.openid import Claims, provider_of
from core.accounts.outside import OutsideIdentity, user_of
from core.config import Config
from core.errors import Blocked, ConfigError
from core.outbound_http import Unanswered, fetch
from core.records.audit import Audit
from core.serve.doctor import examine
from tests.accounts.provider import CLIENT, SECRET, Provider

BACK = "http://127.0.0.1:8000/sign-in/openid/back"
SARA = {"sub": "person 1", "email": "Sara@Example.com", "email_verified": True, "name": "Sara K"}
NEW = {"sub": "person 2", "email": "reza@firm.example", "email_verified": True, "name": "رضا"}


@pytest.fixture
def provider(monkeypatch):
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    with Provider(BACK) as provider:
        provider.person = dict(SARA)
        yield provider
    provider_of.cache_clear()


@pytest.fixture
def make(install, provider):
    """Make an installation that trusts the provider, with an administrator and a salesperson."""

    def make(**settings):
        values = {
            "oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET,
            "oidc_label": "Office <login>",
        }  # fmt: skip
        made = install(**(values | settings))
        made.add(*made.admin, role="administrator")
        made.add(*made.sales)
        return made

    return make


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def through(provider, address):
    """What the provider answers to the browser: the address to go back to."""
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.build_opener(_Stay).open(address, timeout=20)
    answer.value.close()
    assert answer.value.code == 302
    return answer.value.headers["Location"]


def leave(browser, **arguments):
    answer = browser.get("/sign-in/openid", query_string=arguments)
    assert answer.status_code == 302
    return answer.headers["Location"]


def way_back(browser, provider, **arguments):
    return through(provider, leave(browser, **arguments)).removeprefix("http://127.0.0.1:8000")


def sign_in(browser, provider, **arguments):
    return browser.get(way_back(browser, provider, **arguments))


def refused(browser, answer):
    """What the sign-in page says, when nobody was signed in."""
    assert answer.headers["Location"].startswith("/sign-in")
    assert not browser.is_signed_in
    return browser.get("/sign-in").text


def person(installation, email="sara@example.com"):
    with installation.work() as session:
        return session.scalar(select(User).where(User.email == email))


def test_person_signs_in_through_the_provider_and_is_tied_by_subject(make, provider):
    installation = make()
    browser = installation.browser()
    page = browser.get("/sign-in").text
    assert "Continue with Office &lt;login&gt;" in page
    assert sign_in(browser, provider).headers["Location"] == "/"
    assert browser.get("/who").text == "sara|"
    # The address changes at the provider; the person stays the same.
    provider.person["email"] = "married@example.com"
    other = installation.browser()
    assert sign_in(other, provider).headers["Location"] == "/"
    assert other.get("/who").text == "sara|"
    with installation.work() as session:
        tied = session.scalars(select(OutsideIdentity)).all()
        assert [(row.issuer, row.subject) for row in tied] == [(provider.issuer, "person 1")]
        acts = session.scalars(select(Audit.action).where(Audit.record_type == "core.user")).all()
    assert acts.count("tied_to_provider") == 1
    assert acts.count("signed_in") == 2


def test_request_to_the_provider_has_state_nonce_and_challenge(make, provider):
    browser = make().browser()
    sent = [parse_qs(urlsplit(leave(browser)).query) for _ in range(2)]
    for asked in sent:
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["redirect_uri"] == [BACK]
        assert asked["scope"] == ["openid email profile"]
    for name in ("state", "nonce", "code_challenge"):
        assert sent[0][name] != sent[1][name]
        assert len(sent[0][name][0]) >= 40


def test_answer_for_another_browser_signs_nobody_in(make, provider):
    installation = make()
    attacker, victim = installation.browser(), installation.browser()
    path = way_back(attacker, provider)
    refused(victim, victim.get(path))
    leave(victim)
    refused(victim, victim.get(path))
    # Where it belongs, it works; and once only.
    assert attacker.get(path).headers["Location"] == "/"
    attacker.sign_out()
    refused(attacker, attacker.get(path))


@pytest.mark.parametrize(
    "change",
    [
        lambda query: query.replace("state=", "state=x"),
        lambda query: query.replace("state=", "other="),
        lambda query: query.replace("code=", "code=x"),
        lambda query: query.replace("code=", "other="),
        lambda query: query + "&iss=https://evil.example",
        lambda query: query + "&error=access_denied",
    ],
)
def test_answer_that_was_changed_on_the_way_is_refused(make, provider, change):
    browser = make().browser()
    path, _, query = way_back(browser, provider).partition("?")
    text = refused(browser, browser.get(f"{path}?{change(query)}"))
    assert "did not work" in text


@pytest.mark.parametrize(
    "tamper",
    [
        lambda claims: claims.update(nonce="another"),
        lambda claims: claims.pop("nonce"),
        lambda claims: claims.update(iss="https://evil.example"),
        lambda claims: claims.update(aud="another client"),
        lambda claims: claims.update(aud=[CLIENT, "another client"]),
        lambda claims: claims.update(azp="another client"),
        lambda claims: claims.update(exp=int(time.time()) - 600),
        lambda claims: claims.update(iat=int(time.time()) + 6000),
        lambda claims: claims.pop("exp"),
        lambda claims: claims.pop("sub"),
        lambda claims: claims.update(sub=["person 1"]),
        lambda claims: claims.update(sub="x" * 300),
        lambda claims: claims.update(at_hash="bm90IGl0"),
    ],
)
def test_token_that_does_not_hold_is_refused(make, provider, tamper):
    browser = make().browser()
    provider.tamper = tamper
    refused(browser, sign_in(browser, provider))


def forged(header, claims, secret):
    """A token as somebody without the provider's key would make it."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signed = b".".join(parts)
    mac = b"" if secret is None else hmac.new(secret, signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def test_token_that_others_signed_is_refused(make, provider):
    installation = make()
    stranger = RSAKey.generate_key(2048, parameters={"kid": "one"})
    unknown = RSAKey.generate_key(2048, parameters={"kid": "two"})
    signatures = [
        lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, stranger),
        lambda claims: jwt.encode({"alg": "RS256", "kid": "two"}, claims, unknown),
        # What whoever knows the client's secret, or the provider's public key, could make; and who knows nothing.
        lambda claims: forged({"alg": "HS256"}, claims, SECRET.encode()),
        lambda claims: forged({"alg": "HS256", "kid": "one"}, claims, provider.key.as_pem(private=False)),
        lambda claims: forged({"alg": "none"}, claims, None),
        lambda claims: "not.a.token",
        lambda claims: "",
    ]
    for sign in signatures:
        provider.sign = sign
        browser = installation.browser()
        refused(browser, sign_in(browser, provider))
    provider.sign = provider._sign
    assert sign_in(installation.browser(), provider).headers["Location"] == "/"


def test_new_key_of_the_provider_is_asked_for(make, provider, monkeypatch):
    installation = make()
    assert sign_in(installation.browser(), provider).headers["Location"] == "/"
    provider.key = RSAKey.generate_key(2048, parameters={"kid": "newer"})
    provider.published = [provider.key]
    browser = installation.browser()
    # A stranger's token must not make us ask the provider each time.
    refused(browser, sign_in(browser, provider))
    monkeypatch.setattr(openid, "AGAIN", 0.0)
    assert sign_in(browser, provider).headers["Location"] == "/"


def test_address_must_be_verified(make, provider):
    installation = make(oidc_new_users="user")
    for claims in ({"email_verified": False}, {"email_verified": "true"}, {"email_verified": None}, {"email": None}):
        provider.person = dict(SARA) | claims
        browser = installation.browser()
        assert "not verified" in refused(browser, sign_in(browser, provider))
    with installation.work() as session:
        assert session.scalars(select(OutsideIdentity)).all() == []


def test_address_is_asked_for_where_the_token_has_none(make, provider):
    installation = make()
    provider.in_token = False
    assert sign_in(installation.browser(), provider).headers["Location"] == "/"
    assert "/userinfo" in provider.asked
    provider.tamper = lambda claims: claims.update(sub="somebody else")
    browser = installation.browser()
    refused(browser, sign_in(browser, provider))


def test_unknown_people_are_refused_unless_the_configuration_says_otherwise(make, provider):
    installation = make()
    provider.person = dict(NEW)
    browser = installation.browser()
    assert "no account for you" in refused(browser, sign_in(browser, provider))
    assert person(installation, NEW["email"]) is None


def test_unknown_person_of_an_allowed_domain_gets_an_account(make, provider):
    installation = make(oidc_new_users="user", oidc_domains=("firm.example",))
    provider.person = dict(NEW)
    browser = installation.browser()
    assert sign_in(browser, provider).headers["Location"] == "/"
    assert browser.get("/who").text == "رضا|"
    assert person(installation, NEW["email"]).password is None
    for email in ("x@evil.example", "x@firm.example.evil.example", "x@sub.firm.example"):
        provider.person = dict(NEW) | {"sub": email, "email": email}
        stranger = installation.browser()
        assert "no account for you" in refused(stranger, sign_in(stranger, provider))
        assert person(installation, email) is None


def test_address_that_was_given_to_another_person_opens_nothing(make, provider):
    installation = make(oidc_new_users="user")
    assert sign_in(installation.browser(), provider).headers["Location"] == "/"
    provider.person["sub"] = "the next owner of the address"
    browser = installation.browser()
    assert "no account for you" in refused(browser, sign_in(browser, provider))


def test_tie_holds_on_both_databases(either_database):
    installation = either_database()
    installation.add(*installation.sales)
    config = dataclasses.replace(installation.config, oidc_issuer="https://login.example.com", oidc_client_id="x")
    sara = Claims(config.oidc_issuer, "person 1", installation.sales[0], "Sara")
    for claims in (sara, dataclasses.replace(sara, email="")):
        with installation.work() as session:
            assert user_of(session, config, claims).email == installation.sales[0]
    with installation.work() as session, pytest.raises(Blocked):
        user_of(session, config, dataclasses.replace(sara, subject="person 2"))
    with installation.work() as session:
        assert session.scalars(select(OutsideIdentity.subject)).all() == ["person 1"]


def test_administrator_sees_the_tie_and_unties(make, provider):
    installation = make()
    sign_in(installation.browser(), provider)
    admin = installation.browser()
    admin.sign_in(*installation.admin)
    url = f"/admin/users/{person(installation).id}"
    assert provider.issuer in admin.get(url).text
    admin.post(url, action="untie")
    with installation.work() as session:
        assert session.scalars(select(OutsideIdentity)).all() == []


def test_deactivated_person_stays_out(make, provider):
    installation = make()
    sign_in(installation.browser(), provider)
    number = person(installation).id
    with installation.work() as session:
        users.deactivate(session, session.get(User, number))
    browser = installation.browser()
    assert "no account for you" in refused(browser, sign_in(browser, provider))


def test_second_step_is_asked_after_the_provider(make, provider):
    installation = make()
    number = person(installation).id
    with installation.work() as session:
        session.get(User, number).two_factor_at = second_factor.now()
    browser = installation.browser()
    assert sign_in(browser, provider).headers["Location"].startswith("/sign-in/code")
    assert not browser.is_signed_in
    with installation.work() as session:
        assert session.scalars(select(SignIn)).all() == []


def test_person_lands_on_the_page_asked_for_and_nowhere_else(make, provider):
    installation = make()
    landings = {"/profile/?a=1": "/profile/?a=1", "//evil.example": "/", "https://evil.example": "/"}
    for target, landing in landings.items():
        browser = installation.browser()
        assert sign_in(browser, provider, next=target).headers["Location"] == landing


def test_way_through_the_provider_has_its_time(make, provider, monkeypatch):
    browser = make().browser()
    path = way_back(browser, provider)
    monkeypatch.setattr(openid, "LIFETIME", -1)
    refused(browser, browser.get(path))


@pytest.mark.parametrize(
    "description",
    [
        {"issuer": "https://evil.example"}, {"authorization_endpoint": None}, {"authorization_endpoint": "ftp://x/"},
    ],
)  # fmt: skip
def test_description_that_does_not_fit_is_refused(make, provider, description):
    provider.description = description
    browser = make().browser()
    assert "did not work" in refused(browser, browser.get("/sign-in/openid"))


def test_provider_that_is_away_slow_or_endless_keeps_nobody_waiting(make, provider, monkeypatch):
    monkeypatch.setattr(openid, "PAUSE", 0.0)
    browser = make().browser()

    def slowly():
        while True:
            yield b" "
            time.sleep(0.05)

    def endless():
        while True:
            yield b" " * 65536

    answers = [
        lambda: Response("{}", 500), lambda: Response("no JSON"), lambda: Response("[]"), lambda: Response(endless()),
        lambda: Response("", 302, {"Location": "http://127.0.0.1:1/"}),
    ]  # fmt: skip
    for answer in answers:
        provider.answer = answer
        assert "did not work" in refused(browser, browser.get("/sign-in/openid"))
    provider.answer = lambda: Response(slowly())
    start = time.monotonic()
    with pytest.raises(Unanswered):
        fetch(provider.issuer, allowed=("127.0.0.1",), deadline=0.5)
    assert time.monotonic() - start < 3
    provider.answer = lambda: None
    assert sign_in(browser, provider).headers["Location"] == "/"


def test_doctor_tells_whether_the_provider_answers(make, provider):
    config = make().config

    def told():
        return next(finding for finding in examine(config) if finding.subject == "sign-in provider")

    assert told().good
    provider.description = {"issuer": "https://evil.example"}
    assert not told().good


def test_password_of_somebody_else_still_works_and_pages_are_gone_without_a_provider(installation):
    browser = installation.browser()
    assert "Continue with" not in browser.get("/sign-in").text
    assert browser.get("/sign-in/openid").status_code == 404
    assert browser.get("/sign-in/openid/back?code=x&state=y").status_code == 404
    assert browser.sign_in(*installation.sales).status_code == 302


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "https://user:secret@example.com/", "file:///etc/passwd", "//x", "https://127.0.0.1/",
        "https://[::1", "https://example.com:99999/",
    ],
)  # fmt: skip
def test_odd_addresses_are_not_asked(url):
    with pytest.raises(Unanswered):
        fetch(url, deadline=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ISSUER", "http://login.example.com"), ("ISSUER", "login.example.com"), ("ISSUER", "https://a:b@example.com"),
        ("CLIENT_ID", ""), ("DOMAINS", "not a domain!"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_refused(tmp_path, name, value):
    good = {
        "PEYVAND_INSTANCE": str(tmp_path), "PEYVAND_OIDC_ISSUER": "https://login.example.com",
        "PEYVAND_OIDC_CLIENT_ID": "peyvand", "PEYVAND_OIDC_CLIENT_SECRET": "hidden-away",
        "PEYVAND_OIDC_NEW_USERS": "off",
    }  # fmt: skip
    config = Config.load(good)
    assert (config.oidc_label, config.oidc_new_users) == ("login.example.com", "")
    assert "hidden-away" not in repr(config)
    assert Config.load(config.environment()) == config
    with pytest.raises(ConfigError, match=f"PEYVAND_OIDC_{name}"):
        Config.load(good | {f"PEYVAND_OIDC_{name}": value})
