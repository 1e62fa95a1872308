"""Environment variables as values: each is read, checked, and refused by name.

What they mean together is `core.config`. Every function raises `ConfigError` for a value that cannot be used.
"""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import ConfigError
from core.private_file import read_private, write_once

ATTACHMENT_KINDS = ("image", "pdf", "office", "text", "archive", "audio", "video", "other")
"""What an attached file can be, by its content; ``other`` is welcome only where an administrator says so."""

SHORTEST_KEY = 32
"""Least characters of a secret key: what 128 bits need in hexadecimal."""

_EXAMPLE_WORDS = ("changeme", "change-me", "change_me", "example", "your-secret", "your_secret", "insecure")
SECURITIES = ("starttls", "tls", "none")
SAME_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
SENDER = re.compile(r"[^<>@\s]+@[^<>@\s]+|[^<>@\r\n]+<[^<>@\s]+@[^<>@\s]+>")
_ENCRYPTION_KEY = re.compile(r"[0-9a-fA-F]{64}")
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})


def whole_number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number within bounds, or the default where the variable is not set."""
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= most or len(text) > 9:
        raise ConfigError(f"{name} must be a whole number from {least} to {most}, not {text[:20]!r}.")
    return int(text)


def kinds(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The kinds of files that may be attached."""
    named = environ.get("PEYVAND_ATTACHMENT_KINDS", "").replace(",", " ").split()
    for name in named:
        if name not in ATTACHMENT_KINDS:
            known = ", ".join(ATTACHMENT_KINDS)
            raise ConfigError(f"PEYVAND_ATTACHMENT_KINDS may name {known}, not {name[:20]!r}.")
    return tuple(dict.fromkeys(named)) or ATTACHMENT_KINDS[:-1]


def switch(environ: Mapping[str, str], name: str) -> bool:
    """Whether a switch is on."""
    text = environ.get(name, "").strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise ConfigError(f"{name} must be on or off, not {text[:20]!r}.")


def smtp(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings of the mail server, none of which counts while it has no host."""
    host = environ.get("PEYVAND_SMTP_HOST", "").strip()
    security = environ.get("PEYVAND_SMTP_SECURITY", "").strip().lower() or "starttls"
    if security not in SECURITIES:
        raise ConfigError(f"PEYVAND_SMTP_SECURITY must be starttls, tls or none, not {security[:20]!r}.")
    sender = environ.get("PEYVAND_SMTP_FROM", "").strip()
    if host and not SENDER.fullmatch(sender):
        raise ConfigError("PEYVAND_SMTP_FROM must be an address, or a name with one, as in Sales <crm@company.com>.")
    user = environ.get("PEYVAND_SMTP_USER", "")
    if user and security == "none" and host not in SAME_MACHINE:
        raise ConfigError("PEYVAND_SMTP_SECURITY may not be none where a password leaves this machine.")
    return {
        "smtp_host": host,
        "smtp_port": whole_number(environ, "PEYVAND_SMTP_PORT", 465 if security == "tls" else 587, 1, 65535),
        "smtp_security": security,
        "smtp_user": user,
        "smtp_password": environ.get("PEYVAND_SMTP_PASSWORD", ""),
        "smtp_from": sender,
    }


def oidc(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings of the provider, none of which counts while there is no issuer."""
    issuer, client = environ.get("PEYVAND_OIDC_ISSUER", "").strip(), environ.get("PEYVAND_OIDC_CLIENT_ID", "").strip()
    domains = environ.get("PEYVAND_OIDC_DOMAINS", "").replace(",", " ").lower().split()
    role = environ.get("PEYVAND_OIDC_NEW_USERS", "").strip()
    if not issuer:
        return {}
    try:
        parts = urlsplit(issuer)
        local = parts.scheme == "http" and parts.hostname in SAME_MACHINE
        usable = parts.hostname and (parts.scheme == "https" or local) and not (parts.query or parts.fragment)
    except ValueError:
        usable = None
    if not usable or parts.username is not None:
        raise ConfigError("PEYVAND_OIDC_ISSUER must look like https://login.company.com, as the provider writes it.")
    if not client:
        raise ConfigError("PEYVAND_OIDC_CLIENT_ID must be set with PEYVAND_OIDC_ISSUER.")
    for name in domains:
        if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", name):
            raise ConfigError(f"PEYVAND_OIDC_DOMAINS must be domains such as company.com, not {name[:40]!r}.")
    return {
        "oidc_issuer": issuer,
        "oidc_client_id": client,
        "oidc_client_secret": environ.get("PEYVAND_OIDC_CLIENT_SECRET", ""),
        "oidc_label": environ.get("PEYVAND_OIDC_LABEL", "").strip() or str(parts.hostname),
        "oidc_domains": tuple(dict.fromkeys(domains)),
        "oidc_new_users": "" if role.lower() in _NO else role,
    }


def in_url(host: str) -> str:
    """A host as a URL has it."""
    return f"[{host}]" if ":" in host else host


def database_url(url: str) -> str:
    """The URL as SQLAlchemy takes it, with the path of a SQLite file made absolute."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme in {"postgres", "postgresql", "postgresql+psycopg"}:
        return f"postgresql+psycopg://{rest}"
    if separator and scheme == "sqlite":
        path = rest.removeprefix("/")
        if not path or path.startswith(":memory:"):
            raise ConfigError("PEYVAND_DATABASE_URL must name a file; the processes cannot share a database in memory.")
        return f"sqlite:///{Path(path).absolute()}"
    raise ConfigError("PEYVAND_DATABASE_URL must start with sqlite:/// or postgresql://.")


def redis_url(url: str | None) -> str | None:
    """The URL of an outside Redis."""
    if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigError("PEYVAND_REDIS_URL must start with redis://, rediss:// or unix://.")
    return url


def public_url(url: str) -> str:
    """The address of the installation, without a slash at its end."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and not parts.query and not parts.fragment
        parts.port  # noqa: B018 - reading it is what checks its range
    except ValueError:
        usable = None
    if not usable or parts.username is not None:
        raise ConfigError("PEYVAND_PUBLIC_URL must look like https://crm.company.com, without user, query or fragment.")
    return url.rstrip("/")


def checked_key(key: str, source: str) -> bytes:
    """A secret key that is long and unpredictable enough."""
    if len(key) < SHORTEST_KEY:
        raise ConfigError(f"{source} must have at least {SHORTEST_KEY} characters.")
    if len(set(key)) < 8 or any(word in key.lower() for word in _EXAMPLE_WORDS):
        raise ConfigError(f"{source} looks like an example; use an unpredictable one, or none to have it generated.")
    return key.encode()


def encryption_keys(text: str) -> tuple[bytes, ...]:
    """The keys of stored secrets, the one that encrypts first."""
    keys = text.replace(",", " ").split()
    for key in keys:
        if not _ENCRYPTION_KEY.fullmatch(key) or len(set(key)) < 8:
            raise ConfigError(
                "PEYVAND_ENCRYPTION_KEY needs 64 unpredictable hexadecimal digits; make them with: openssl rand -hex 32"
            )
    return tuple(dict.fromkeys(bytes.fromhex(key) for key in keys))


def private_hosts(text: str) -> tuple[str, ...]:
    """Names and networks of one's own."""
    named = text.replace(",", " ").lower().split()
    for name in named:
        if not re.fullmatch(r"[a-z0-9._:/-]{1,253}", name):
            raise ConfigError(f"PEYVAND_PRIVATE_HOSTS must be names or networks such as 10.0.0.0/8, not {name[:40]!r}.")
    return tuple(dict.fromkeys(named))


def kept_key(instance: Path) -> bytes:
    """Read the key of `instance`, generating it first when absent; safe when several processes start at once."""
    path = instance / "secret_key"
    try:
        if not path.exists():
            instance.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_once(path, secrets.token_hex(32))
        key = read_private(path, "secret key")
    except OSError as error:
        raise ConfigError(f"{instance} cannot hold the secret key: {error.strerror}.") from error
    return checked_key(key, str(path))
