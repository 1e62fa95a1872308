"""What an installation is configured with, read once from the environment.

A value that cannot be used raises `ConfigError` while the process starts, never later in a request. The variables are
listed in `SETTINGS`; the same list, with the same words, stands in `docs/administration.md`.

PEYVAND_INSTANCE          folder of everything this installation writes: database, uploads, keys, plugins (./instance)
PEYVAND_DATABASE_URL      sqlite:///… or postgresql://… (SQLite in the instance folder)
PEYVAND_REDIS_URL         redis://, rediss:// or unix:// (an own Redis on a unix socket, started with the site)
PEYVAND_HOST              address the web server listens on (127.0.0.1)
PEYVAND_PORT              TCP port the web server listens on (8000)
PEYVAND_WEB_WORKERS       web processes (2)
PEYVAND_WEB_THREADS       threads in each web process (4)
PEYVAND_JOB_MEMORY        megabytes of memory that one job may take; one that takes more fails (2048)
PEYVAND_SECRET_KEY        at least 32 unpredictable characters (generated once into instance/secret_key)
PEYVAND_ENCRYPTION_KEY    64 hexadecimal digits; more of them decrypt only (generated once into instance/encryption_key)
PEYVAND_SAFE              start the core alone, without any plugin (off)
PEYVAND_STRICT            refuse to start while any plugin is broken (off)
PEYVAND_PUBLIC_URL        address people reach the site at, used for links in mail (http://HOST:PORT)
PEYVAND_TRUSTED_PROXIES   number of reverse proxies whose X-Forwarded-* headers are believed (0)
PEYVAND_SMTP_HOST         mail server; without it no mail is sent (none)
PEYVAND_SMTP_PORT         TCP port of the mail server (587, or 465 with tls)
PEYVAND_SMTP_SECURITY     starttls, tls, or none for a server on the same machine (starttls)
PEYVAND_SMTP_USER         user at the mail server (none)
PEYVAND_SMTP_PASSWORD     password of that user (none)
PEYVAND_SMTP_FROM         sender of every mail: an address, or a name with an address in angle brackets (none)
PEYVAND_OIDC_ISSUER       address of a provider of OpenID Connect (none)
PEYVAND_OIDC_CLIENT_ID    what the provider calls this installation (none)
PEYVAND_OIDC_CLIENT_SECRET secret of this installation at the provider (none)
PEYVAND_OIDC_LABEL        name of the provider on the sign-in page (its host)
PEYVAND_OIDC_DOMAINS      domains of e-mail addresses that may sign in through the provider (any)
PEYVAND_OIDC_NEW_USERS    role of the account that unknown people get through the provider (off: none)
PEYVAND_PRIVATE_HOSTS     names and networks of one's own that settings made in the browser may lead to (none)
PEYVAND_ATTACHMENT_LIMIT  megabytes that an attached file may have (25)
PEYVAND_ATTACHMENT_KINDS  kinds of files that may be attached (image pdf office text archive audio video)
PEYVAND_ATTACHMENT_PIXELS megapixels up to which an attached image gets a thumbnail (50)
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote

from core.errors import ConfigError
from core.variables import (
    ATTACHMENT_KINDS,
    checked_key,
    database_url,
    encryption_keys,
    in_url,
    kept_key,
    kinds,
    oidc,
    private_hosts,
    public_url,
    redis_url,
    smtp,
    switch,
    whole_number,
)

LONGEST_SOCKET_PATH = 107
"""Bytes the kernel keeps for the path of a unix socket (unix(7), without the closing NUL)."""


class Setting(NamedTuple):
    """One environment variable: its name, its default as an administrator reads it, and what it means."""

    name: str
    default: str
    meaning: str


SETTINGS = (
    Setting("PEYVAND_INSTANCE", "./instance", "Folder of everything this installation writes."),
    Setting("PEYVAND_DATABASE_URL", "SQLite in the instance folder", "sqlite:///… or postgresql://…"),
    Setting("PEYVAND_REDIS_URL", "own Redis on a unix socket", "redis://, rediss:// or unix:// of an outside Redis."),
    Setting("PEYVAND_HOST", "127.0.0.1", "Address the web server listens on."),
    Setting("PEYVAND_PORT", "8000", "TCP port the web server listens on."),
    Setting("PEYVAND_WEB_WORKERS", "2", "Web processes."),
    Setting("PEYVAND_WEB_THREADS", "4", "Threads in each web process."),
    Setting("PEYVAND_JOB_MEMORY", "2048", "Megabytes of memory that one job may take; one that takes more fails."),
    Setting("PEYVAND_SECRET_KEY", "generated into instance/secret_key", "At least 32 unpredictable characters."),
    Setting(
        "PEYVAND_ENCRYPTION_KEY",
        "generated into instance/encryption_key",
        "64 hexadecimal digits that encrypt stored secrets; further ones after a space only decrypt.",
    ),
    Setting("PEYVAND_SAFE", "off", "Start the core alone, without any plugin."),
    Setting("PEYVAND_STRICT", "off", "Refuse to start while any plugin is broken."),
    Setting("PEYVAND_PUBLIC_URL", "http://HOST:PORT", "Address people reach the site at, used for links in mail."),
    Setting("PEYVAND_TRUSTED_PROXIES", "0", "Number of reverse proxies whose X-Forwarded-* headers are believed."),
    Setting("PEYVAND_SMTP_HOST", "none", "Mail server; without it no mail is sent."),
    Setting("PEYVAND_SMTP_PORT", "587, or 465 with tls", "TCP port of the mail server."),
    Setting("PEYVAND_SMTP_SECURITY", "starttls", "starttls, tls, or none for a server on the same machine."),
    Setting("PEYVAND_SMTP_USER", "none", "User at the mail server."),
    Setting("PEYVAND_SMTP_PASSWORD", "none", "Password of that user."),
    Setting("PEYVAND_SMTP_FROM", "none", "Sender of every mail: an address, or Name <address>."),
    Setting(
        "PEYVAND_OIDC_ISSUER",
        "none",
        "Address of a provider of OpenID Connect; with it people can sign in there.",
    ),
    Setting("PEYVAND_OIDC_CLIENT_ID", "none", "What the provider calls this installation."),
    Setting("PEYVAND_OIDC_CLIENT_SECRET", "none", "Secret of this installation at the provider."),
    Setting("PEYVAND_OIDC_LABEL", "the provider's host", "Name of the provider on the sign-in page."),
    Setting("PEYVAND_OIDC_DOMAINS", "any", "Domains of the e-mail addresses that may sign in through the provider."),
    Setting(
        "PEYVAND_OIDC_NEW_USERS",
        "off",
        "Role of an account that unknown people get at their first sign-in through the provider; off for none.",
    ),
    Setting(
        "PEYVAND_PRIVATE_HOSTS",
        "none",
        "Names and networks of your own, such as 10.0.0.0/8, that settings made in the browser may lead to.",
    ),
    Setting("PEYVAND_ATTACHMENT_LIMIT", "25", "Megabytes that an attached file may have."),
    Setting(
        "PEYVAND_ATTACHMENT_KINDS",
        "image pdf office text archive audio video",
        "Kinds of files that may be attached, by content; other is everything else, pages and programs included.",
    ),
    Setting("PEYVAND_ATTACHMENT_PIXELS", "50", "Megapixels up to which an attached image gets a thumbnail."),
)


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of one installation; the same in each of its processes."""

    instance: Path
    # These four carry secrets, which must not reach a log through repr().
    database_url: str = field(repr=False)
    secret_key: bytes = field(repr=False)
    redis_url: str | None = field(default=None, repr=False)
    encryption_keys: tuple[bytes, ...] = field(default=(), repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    web_workers: int = 2
    web_threads: int = 4
    job_memory: int = 2048
    safe: bool = False
    strict: bool = False
    public_url: str = "http://127.0.0.1:8000"
    trusted_proxies: int = 0
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_security: str = "starttls"
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False)
    smtp_from: str = ""
    private_hosts: tuple[str, ...] = ()
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_label: str = ""
    oidc_domains: tuple[str, ...] = ()
    oidc_new_users: str = ""
    attachment_limit: int = 25
    attachment_kinds: tuple[str, ...] = ATTACHMENT_KINDS[:-1]
    attachment_pixels: int = 50

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the PEYVAND_* variables of `environ`; creates the instance folder and its secret key when absent.

        Raises `ConfigError`, naming the variable, when a value cannot be used or an unknown variable is set.
        """
        _refuse_unknown(environ)
        instance = Path(environ.get("PEYVAND_INSTANCE") or "instance").expanduser().absolute()
        host = environ.get("PEYVAND_HOST") or "127.0.0.1"
        port = whole_number(environ, "PEYVAND_PORT", 8000, 1, 65535)
        default_database = f"sqlite:///{instance / 'peyvand.db'}"
        own_address = f"http://{in_url(host)}:{port}"
        key = environ.get("PEYVAND_SECRET_KEY")
        return cls(
            instance=instance,
            database_url=database_url(environ.get("PEYVAND_DATABASE_URL") or default_database),
            redis_url=redis_url(environ.get("PEYVAND_REDIS_URL") or None),
            host=host,
            port=port,
            web_workers=whole_number(environ, "PEYVAND_WEB_WORKERS", 2, 1, 256),
            web_threads=whole_number(environ, "PEYVAND_WEB_THREADS", 4, 1, 256),
            job_memory=whole_number(environ, "PEYVAND_JOB_MEMORY", 2048, 256, 1_000_000),
            safe=switch(environ, "PEYVAND_SAFE"),
            strict=switch(environ, "PEYVAND_STRICT"),
            public_url=public_url(environ.get("PEYVAND_PUBLIC_URL") or own_address),
            trusted_proxies=whole_number(environ, "PEYVAND_TRUSTED_PROXIES", 0, 0, 16),
            **smtp(environ),
            **oidc(environ),
            encryption_keys=encryption_keys(environ.get("PEYVAND_ENCRYPTION_KEY", "")),
            private_hosts=private_hosts(environ.get("PEYVAND_PRIVATE_HOSTS", "")),
            attachment_limit=whole_number(environ, "PEYVAND_ATTACHMENT_LIMIT", 25, 1, 2048),
            attachment_kinds=kinds(environ),
            attachment_pixels=whole_number(environ, "PEYVAND_ATTACHMENT_PIXELS", 50, 1, 500),
            # Last, so that nothing is written for a configuration that is refused.
            secret_key=checked_key(key, "PEYVAND_SECRET_KEY") if key else kept_key(instance),
        )

    @property
    def is_sqlite(self) -> bool:
        """Whether the records live in a SQLite file."""
        return self.database_url.startswith("sqlite")

    @property
    def own_redis(self) -> bool:
        """Whether this installation runs a Redis of its own."""
        return self.redis_url is None

    @property
    def redis_socket(self) -> Path:
        """Path of the own Redis' unix socket; the same in each process, and short enough for the kernel.

        It lies in `run/` of the instance, or, where that path is too long, in a folder of this user under /tmp.
        """
        socket = self.instance / "run" / "redis.sock"
        if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
            return socket
        digest = hashlib.sha256(os.fsencode(self.instance)).hexdigest()[:12]
        return Path("/tmp") / f"peyvand-{os.getuid()}-{digest}" / "redis.sock"

    @property
    def redis_location(self) -> str:
        """URL of the Redis to talk to, own or outside."""
        return self.redis_url or f"unix://{quote(str(self.redis_socket))}"

    @property
    def encryption_key_file(self) -> Path:
        """Where the keys of stored secrets lie, unless the environment gives them."""
        return self.instance / "encryption_key"

    @property
    def uploads(self) -> Path:
        """Folder of the files people send for an import."""
        return self.instance / "uploads"

    @property
    def attachments(self) -> Path:
        """Folder of the files people attach to records."""
        return self.instance / "attachments"

    def environment(self) -> dict[str, str]:
        """The variables from which `load` makes this same configuration in a child process."""
        return {
            "PEYVAND_INSTANCE": str(self.instance),
            "PEYVAND_DATABASE_URL": self.database_url,
            "PEYVAND_REDIS_URL": self.redis_url or "",
            "PEYVAND_HOST": self.host,
            "PEYVAND_PORT": str(self.port),
            "PEYVAND_WEB_WORKERS": str(self.web_workers),
            "PEYVAND_WEB_THREADS": str(self.web_threads),
            "PEYVAND_JOB_MEMORY": str(self.job_memory),
            "PEYVAND_SECRET_KEY": self.secret_key.decode(),
            "PEYVAND_ENCRYPTION_KEY": " ".join(key.hex() for key in self.encryption_keys),
            "PEYVAND_SAFE": "1" if self.safe else "",
            "PEYVAND_STRICT": "1" if self.strict else "",
            "PEYVAND_PUBLIC_URL": self.public_url,
            "PEYVAND_TRUSTED_PROXIES": str(self.trusted_proxies),
            "PEYVAND_SMTP_HOST": self.smtp_host,
            "PEYVAND_SMTP_PORT": str(self.smtp_port),
            "PEYVAND_SMTP_SECURITY": self.smtp_security,
            "PEYVAND_SMTP_USER": self.smtp_user,
            "PEYVAND_SMTP_PASSWORD": self.smtp_password,
            "PEYVAND_SMTP_FROM": self.smtp_from,
            "PEYVAND_OIDC_ISSUER": self.oidc_issuer,
            "PEYVAND_OIDC_CLIENT_ID": self.oidc_client_id,
            "PEYVAND_OIDC_CLIENT_SECRET": self.oidc_client_secret,
            "PEYVAND_OIDC_LABEL": self.oidc_label,
            "PEYVAND_OIDC_DOMAINS": " ".join(self.oidc_domains),
            "PEYVAND_OIDC_NEW_USERS": self.oidc_new_users,
            "PEYVAND_PRIVATE_HOSTS": " ".join(self.private_hosts),
            "PEYVAND_ATTACHMENT_LIMIT": str(self.attachment_limit),
            "PEYVAND_ATTACHMENT_KINDS": " ".join(self.attachment_kinds),
            "PEYVAND_ATTACHMENT_PIXELS": str(self.attachment_pixels),
        }


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = {setting.name for setting in SETTINGS}
    for name in sorted(environ):
        if name.startswith("PEYVAND_") and not name.startswith("PEYVAND_TEST_") and name not in known:
            raise ConfigError(f"{name} is not a setting of Peyvand; see the list in docs/administration.md.")
