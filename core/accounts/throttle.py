"""Guessing a password is slow: failed sign-ins are counted per account and address, and per address.

An attempt is counted before its password is checked and taken back when the password was right, so guesses made at the
same moment cannot slip through together. Redis keeps the counters for all processes; while it is away each process
counts in its own memory, and nobody is kept out. A window begins with its first failure and is never prolonged, so
nobody is locked out for ever, by himself or by others.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import math
import time
from functools import lru_cache

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

PER_ACCOUNT = RateLimitItemPerMinute(5, 5, namespace="sign-in-account")
PER_ADDRESS = RateLimitItemPerMinute(30, 5, namespace="sign-in-address")
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

    def begin(self, account: str, address: str) -> int:
        """Count an attempt to sign in, or refuse it.

        Returns:
            0 to go on, otherwise the seconds to wait; a refused attempt is not counted.
        """
        counters = self._counters(account, address)
        for number, (limit, key) in enumerate(counters, start=1):
            if self._add(limit, key, 1) > limit.amount:
                for counted in counters[:number]:
                    self._add(*counted, -1)
                return self._remaining(key)
        return 0

    def forgive(self, account: str, address: str) -> None:
        """Take back the attempt just begun, because its password was right."""
        for limit, key in self._counters(account, address):
            self._add(limit, key, -1)

    @staticmethod
    def _counters(account: str, address: str) -> list[tuple[RateLimitItem, str]]:
        place = network(address)
        # Whatever was typed as an account must not become a long or readable key.
        person = hashlib.sha256(account.encode("utf-8", "replace")).hexdigest()[:32]
        return [(PER_ADDRESS, PER_ADDRESS.key_for(place)), (PER_ACCOUNT, PER_ACCOUNT.key_for(person, place))]

    def _add(self, limit: RateLimitItem, key: str, amount: int) -> int:
        if time.monotonic() >= self._away_until:
            try:
                return self._shared.incr(key, limit.get_expiry(), amount)
            except (RedisError, OSError) as error:
                log.warning("Redis does not answer (%s); failed sign-ins are counted per process.", error)
                self._away_until = time.monotonic() + REDIS_PAUSE
        return self._own.incr(key, limit.get_expiry(), amount)

    def _remaining(self, key: str) -> int:
        storage: RedisStorage | MemoryStorage = self._own
        if time.monotonic() >= self._away_until:
            storage = self._shared
        try:
            return max(1, math.ceil(storage.get_expiry(key) - time.time()))
        except (RedisError, OSError):
            return PER_ACCOUNT.get_expiry()


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
