"""Sign-in through a provider of OpenID Connect: the authorization code flow with PKCE (RFC 6749, 7636; OIDC Core 1.0).

    begin ──▶ provider ──▶ back with a code and our state ──▶ exchange ──▶ claims about the person

The provider is the one of the configuration. Where it is found, which keys it signs with, and the code are asked for
over ``core.outbound_http``: with a deadline, a limit, and without redirects.
"""

from __future__ import annotations

import hmac
import logging
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.config import Config
from core.errors import PeyvandError
from core.outbound_http import Unanswered, fetch

SCOPE = "openid email profile"
# Never "none", and no shared secret as a key: who knows the client's secret could sign in as anybody.
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
KEPT = 3600.0  # seconds that the provider's description and keys are believed
PAUSE = 5.0  # seconds in which a provider that did not answer is not asked again, so that few people wait for it
AGAIN = 60.0  # seconds before keys are asked for again because one was not among them
LEEWAY = 60  # seconds that the provider's clock may differ
LIFETIME = 600  # seconds between begin and the way back

log = logging.getLogger(__name__)


class ProviderError(PeyvandError):
    """The provider cannot be used, or what it says cannot be believed; the text is for the log."""


@dataclass(frozen=True)
class Claims:
    """Who it is, as the provider says. ``email`` is empty unless the provider has verified it."""

    issuer: str
    subject: str
    email: str
    name: str


@dataclass
class _Known:
    """What is known of the provider, and since when (monotonic seconds)."""

    description: dict[str, Any] = field(default_factory=dict)
    described_at: float = 0.0
    keys: KeySet | None = None
    keys_at: float = 0.0
    silent_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Provider:
    """The provider that ``config`` names."""

    def __init__(self, config: Config) -> None:
        self.config = config
        # Whoever runs the machine named it, so it may lie in the house.
        self._allowed = (*config.private_hosts, urlsplit(config.oidc_issuer).hostname or "")
        self._known = _Known()

    def check(self) -> None:
        """Ask for its description and its keys.

        Raises:
            ProviderError: sign-in there would not work.
        """
        for name in ("authorization_endpoint", "token_endpoint"):
            self._endpoint(name)
        self._keys(fresh=False)

    def begin(self, back: str) -> tuple[str, dict[str, Any]]:
        """Where to send the browser, and what its cookie keeps until it is back.

        Args:
            back: the address of ours to which the provider sends the browser.

        Raises:
            ProviderError: the provider does not answer.
        """
        endpoint = self._endpoint("authorization_endpoint")
        kept = {
            "state": generate_token(40),
            "nonce": generate_token(40),
            "verifier": generate_token(64),
            "at": int(time.time()),
        }
        address = prepare_grant_uri(
            endpoint,
            self.config.oidc_client_id,
            "code",
            redirect_uri=back,
            scope=SCOPE,
            state=kept["state"],
            nonce=kept["nonce"],
            code_challenge=create_s256_code_challenge(kept["verifier"]),
            code_challenge_method="S256",
        )
        return str(address), kept

    def finish(self, kept: Mapping[str, Any], arguments: Mapping[str, str], back: str) -> Claims:
        """Who came back.

        Args:
            kept: what ``begin`` returned, out of this browser's cookie.
            arguments: the query of the request with which the browser came back.
            back: as for ``begin``.

        Raises:
            ProviderError: it is not the browser that left, too late, or the provider's word cannot be believed.
        """
        age = time.time() - _number(kept.get("at"))
        if not hmac.compare_digest(str(kept.get("state", "")).encode(), arguments.get("state", "").encode()):
            raise ProviderError("The state is not the one that was sent.")
        if not 0 <= age <= LIFETIME:
            raise ProviderError("The way through the provider took too long.")
        if arguments.get("iss", self.config.oidc_issuer) != self.config.oidc_issuer:
            raise ProviderError("The answer comes from another issuer (RFC 9207).")
        if "error" in arguments or not arguments.get("code"):
            raise ProviderError(f"The provider refused: {arguments.get('error', '')[:100]}")
        tokens = self._exchange(arguments["code"], str(kept["verifier"]), back)
        claims = self._checked(tokens, str(kept["nonce"]))
        return self._person(claims, tokens)

    def _exchange(self, code: str, verifier: str, back: str) -> dict[str, Any]:
        config = self.config
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        methods = self._describe().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if not config.oidc_client_secret:
            form["client_id"] = config.oidc_client_id
        elif "client_secret_basic" in methods:
            pair = f"{quote(config.oidc_client_id, safe='')}:{quote(config.oidc_client_secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": config.oidc_client_id, "client_secret": config.oidc_client_secret}
        tokens = self._ask(self._endpoint("token_endpoint"), body=urlencode(form).encode(), headers=headers)
        if not isinstance(tokens.get("id_token"), str):
            raise ProviderError("The provider's answer has no ID token.")
        return tokens

    def _checked(self, tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the ID token, whose signature, issuer, audience, times and nonce hold."""
        spoken = self._describe().get("id_token_signing_alg_values_supported") or ["RS256"]
        algorithms = sorted(ALGORITHMS.intersection(name for name in spoken if isinstance(name, str)))
        token: jwt.Token | None = None
        for fresh in (False, True):
            try:
                token = jwt.decode(tokens["id_token"], self._keys(fresh=fresh), algorithms=algorithms)
                break
            except (JoseError, ValueError, TypeError) as error:
                # Perhaps the provider has another key since we asked.
                if fresh:
                    raise ProviderError(f"The ID token is not signed as it should be: {error}") from error
        assert token is not None
        claims = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": self.config.oidc_issuer},
                "aud": {"essential": True, "value": self.config.oidc_client_id},
            },
            {
                "nonce": nonce,
                "client_id": self.config.oidc_client_id,
                "access_token": tokens.get("access_token"),
            },
        )
        try:
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, AttributeError) as error:
            raise ProviderError(f"The ID token does not hold: {error}") from error
        return dict(token.claims)

    def _person(self, claims: dict[str, Any], tokens: Mapping[str, Any]) -> Claims:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise ProviderError("The ID token names nobody.")
        if "email" not in claims and "userinfo_endpoint" in self._describe() and tokens.get("access_token"):
            headers = {"Authorization": f"Bearer {tokens['access_token']}"}
            more = self._ask(self._endpoint("userinfo_endpoint"), headers=headers)
            if more.get("sub") != subject:
                raise ProviderError("The provider tells of somebody else than the ID token does.")
            claims = more | claims
        verified = claims.get("email_verified") is True and isinstance(claims.get("email"), str)
        return Claims(
            self.config.oidc_issuer,
            subject,
            claims["email"].strip().lower() if verified else "",
            str(claims.get("name") or claims.get("preferred_username") or ""),
        )

    def _describe(self) -> dict[str, Any]:
        known = self._known
        with known.lock:
            if known.description and time.monotonic() - known.described_at < KEPT:
                return known.description
            description = self._ask(get_well_known_url(self.config.oidc_issuer, external=True))
            if description.get("issuer") != self.config.oidc_issuer:
                raise ProviderError("The provider's description is that of another issuer.")
            known.description, known.described_at = description, time.monotonic()
            return description

    def _endpoint(self, name: str) -> str:
        address = self._describe().get(name)
        if not isinstance(address, str):
            raise ProviderError(f"The provider's description has no {name}.")
        scheme = urlsplit(address).scheme
        if scheme != "https" and not (scheme == "http" and self.config.oidc_issuer.startswith("http:")):
            raise ProviderError(f"The {name} of the provider is not reached by https.")
        return address

    def _keys(self, *, fresh: bool) -> KeySet:
        known, address = self._known, self._endpoint("jwks_uri")
        with known.lock:
            age = time.monotonic() - known.keys_at
            if known.keys is None or age > KEPT or (fresh and age > AGAIN):
                try:
                    known.keys = KeySet.import_key_set(self._ask(address))  # type: ignore[arg-type]
                except (JoseError, ValueError, TypeError, KeyError) as error:
                    raise ProviderError("The provider's keys cannot be read.") from error
                known.keys_at = time.monotonic()
            return known.keys

    def _ask(self, url: str, **options: Any) -> dict[str, Any]:
        if time.monotonic() < self._known.silent_until:
            raise ProviderError("The provider did not answer a moment ago.")
        try:
            answer = fetch(url, allowed=self._allowed, **options)
            told = answer.json() if answer.status == 200 else None
        except Unanswered as error:
            self._known.silent_until = time.monotonic() + PAUSE
            raise ProviderError(str(error)) from error
        if not isinstance(told, dict):
            raise ProviderError(f"{url[:200]} answers with status {answer.status} and no object.")
        return told


@lru_cache(maxsize=8)
def provider_of(config: Config) -> Provider:
    """The provider of an installation; what is known of it is kept for the process."""
    return Provider(config)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
