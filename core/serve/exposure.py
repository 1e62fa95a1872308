"""What the doctor says about who can reach what from outside: the address, proxies, Redis."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from core.config import Config
from core.serve.findings import Finding


def exposure(config: Config) -> Iterator[Finding]:
    """Look at how the installation is reached."""
    yield _address(config)
    yield _proxies(config)
    if not config.own_redis:
        yield _redis(config)


def _address(config: Config) -> Finding:
    parts = urlsplit(config.public_url)
    if parts.scheme == "https":
        return Finding(True, "address", f"{config.public_url}; cookies travel encrypted only.")
    if _is_here(parts.hostname or ""):
        return Finding(True, "address", f"{config.public_url}, for this machine alone.")
    return Finding(
        False,
        "address",
        f"{config.public_url} is not encrypted, so passwords and cookies can be read on the way; put a web server with "
        "a certificate before it, and set PEYVAND_PUBLIC_URL to the address with https://",
    )


def _proxies(config: Config) -> Finding:
    encrypted = config.public_url.startswith("https://")
    if encrypted and not config.trusted_proxies:
        return Finding(
            False,
            "proxies",
            "Whatever encrypts stands before Peyvand, and none is believed: all visitors seem to come from one "
            "address, which limits of sign-in then hold against all of them; set "
            "PEYVAND_TRUSTED_PROXIES to their number.",
        )
    if config.trusted_proxies and not _is_here(config.host):
        return Finding(
            True,
            "proxies",
            f"{config.trusted_proxies} are believed. See that nobody else reaches port {config.port} on {config.host}: "
            "who does can claim any address.",
        )
    return Finding(True, "proxies", f"{config.trusted_proxies or 'None'} believed.")


def _redis(config: Config) -> Finding:
    parts = urlsplit(config.redis_location)
    if parts.scheme == "unix":
        return Finding(True, "Redis access", "It is reached through a socket.")
    if parts.password:
        return Finding(True, "Redis access", "It asks for a password.")
    return Finding(
        False,
        "Redis access",
        f"Whoever reaches {parts.hostname} may read and change what it holds; give it a password, and put it into "
        "PEYVAND_REDIS_URL.",
    )


def _is_here(host: str) -> bool:
    """Whether a host is this very machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
