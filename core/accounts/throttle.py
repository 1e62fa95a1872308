"""Guessing a password is slow, and nobody can keep somebody else out by guessing.

Failed sign-ins are counted per address, per account and address, and per account from wherever. The last stops a
crowd of machines, each with a few guesses; it does not count for a browser that was signed in as this person before
(it shows a signed cookie, see ``core.accounts.known_browser``), nor for an address from which the person is signed in.
So whoever fails on purpose makes strangers wait, and not the person, who can also ask for a link by mail.

An attempt is counted before its password is checked and taken back when the password was right, so guesses made at the
same moment cannot slip through together. Redis keeps the counters for all processes; while it is away each process
counts in its own memory, and nobody is kept out. A window begins with its first failure and is never prolonged, so
nobody is locked out for ever, by himself or by others.

Requests of programs are counted here too, per access token.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import math
import time
from collections.abc import Callable, Sequence
from functools import lru_cache

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

PER_ACCOUNT = RateLimitItemPerMinute(5, 5, namespace="sign-in-account")
PER_ADDRESS = RateLimitItemPerMinute(30, 5, namespace="sign-in-address")
PER_BROWSER = RateLimitItemPerMinute(5, 5, namespace="sign-in-browser")
ANYWHERE = RateLimitItemPerMinute(30, 15, namespace="sign-in-anywhere")
LINKS_PER_ADDRESS = RateLimitItemPerMinute(10, 15, namespace="link-address")
CHALLENGES_PER_ADDRESS = RateLimitItemPerMinute(60, 15, namespace="challenge-address")
REQUESTS_PER_TOKEN = RateLimitItemPerMinute(600, namespace="token")
REFUSALS_PER_ADDRESS = RateLimitItemPerMinute(30, 5, namespace="token-refused")
LINKS_PER_ACCOUNT = RateLimitItemPerMinute(3, 15, namespace="link-account")
REDIS_WAIT = 1.0  # seconds an attempt waits for Redis
REDIS_PAUSE = 5.0  # seconds Redis is left alone after it did not answer

log = logging.getLogger(__name__)


class Throttle:
    """The counters of failed sign-ins, in the Redis at ``redis_location`` (redis://, rediss:// or unix://)."""

    def __init__(self, redis_location: str) -> None:
        self._shared = RedisStorage(
            redis_location.replace("unix://", "redis+unix://", 1),
            key_prefix="peyvand",
            socket_timeout=REDIS_WAIT,
            socket_connect_timeout=REDIS_WAIT,
            # The client's own retries would keep a person waiting for seconds during an outage.
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
        )
        self._own = MemoryStorage()
        self._away_until = 0.0

    def begin(
        self, account: str, address: str, browser: str = "", *, trusts: Callable[[], bool] = lambda: False
    ) -> int:
        """Count an attempt to sign in, or refuse it.

        Args:
            account: whatever was typed as one.
            address: where the attempt comes from.
            browser: what tells a browser that this account was signed in with before; empty for strangers.
            trusts: asked when too many failed on the account from wherever: whether the address is one of the person's.

        Returns:
            0 to go on, otherwise the seconds to wait; a refused attempt is not counted.
        """
        counters = self._counters(account, address, browser)
        wait, which = self._count(counters)
        if wait and which is ANYWHERE and trusts():
            wait, _limit = self._count(counters[:-1])
            if not wait:
                # Counted like any other, so that it can be taken back like any other.
                self._add(*counters[-1], 1)
        return wait

    def forgive(self, account: str, address: str, browser: str = "") -> None:
        """Take back the attempt just begun, because its password was right."""
        for limit, key in self._counters(account, address, browser):
            self._add(limit, key, -1)

    def count_link(self, account: str, address: str) -> tuple[int, int]:
        """Count a request for a link by mail.

        Returns:
            The seconds until this address may ask again and until for this account; 0 to go on.
        """
        of_address, _limit = self._count([(LINKS_PER_ADDRESS, LINKS_PER_ADDRESS.key_for(network(address)))])
        if of_address:
            return of_address, 0
        return 0, self._count([(LINKS_PER_ACCOUNT, LINKS_PER_ACCOUNT.key_for(digest(account)))])[0]

    def count_challenge(self, address: str) -> int:
        """Count a challenge for a passkey; the seconds to wait, 0 to go on."""
        return self._count([(CHALLENGES_PER_ADDRESS, CHALLENGES_PER_ADDRESS.key_for(network(address)))])[0]

    def count_request(self, token_id: int) -> int:
        """Count a request with an access token; the seconds to wait, 0 to go on."""
        return self._count([(REQUESTS_PER_TOKEN, REQUESTS_PER_TOKEN.key_for(token_id))])[0]

    def count_refusal(self, address: str) -> int:
        """Count a request with a token that is no good; the seconds to wait after too many, else 0."""
        return self._count([(REFUSALS_PER_ADDRESS, REFUSALS_PER_ADDRESS.key_for(network(address)))])[0]

    def _count(self, counters: Sequence[tuple[RateLimitItem, str]]) -> tuple[int, RateLimitItem | None]:
        for number, (limit, key) in enumerate(counters, start=1):
            if self._add(limit, key, 1) > limit.amount:
                for counted in counters[:number]:
                    self._add(*counted, -1)
                return self._remaining(limit, key), limit
        return 0, None

    @staticmethod
    def _counters(account: str, address: str, browser: str) -> list[tuple[RateLimitItem, str]]:
        place, person = network(address), digest(account)
        if browser:
            return [(PER_BROWSER, PER_BROWSER.key_for(person, digest(browser)))]
        return [
            (PER_ADDRESS, PER_ADDRESS.key_for(place)),
            (PER_ACCOUNT, PER_ACCOUNT.key_for(person, place)),
            (ANYWHERE, ANYWHERE.key_for(person)),
        ]

    def _add(self, limit: RateLimitItem, key: str, amount: int) -> int:
        if time.monotonic() >= self._away_until:
            try:
                return self._shared.incr(key, limit.get_expiry(), amount)
            except (RedisError, OSError) as error:
                log.warning("Redis does not answer (%s); attempts are counted per process.", error)
                self._away_until = time.monotonic() + REDIS_PAUSE
        return self._own.incr(key, limit.get_expiry(), amount)

    def _remaining(self, limit: RateLimitItem, key: str) -> int:
        storage: RedisStorage | MemoryStorage = self._own
        if time.monotonic() >= self._away_until:
            storage = self._shared
        try:
            return max(1, math.ceil(storage.get_expiry(key) - time.time()))
        except (RedisError, OSError):
            return limit.get_expiry()


def digest(account: str) -> str:
    """A short name for whatever was typed as an account, which must not become a long or readable key."""
    return hashlib.sha256(account.encode("utf-8", "replace")).hexdigest()[:32]


def network(address: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


@lru_cache(maxsize=8)
def shared_throttle(redis_location: str) -> Throttle:
    """The one throttle of this process for a Redis; it outlives every Site, and with it the counts of an outage."""
    return Throttle(redis_location)
