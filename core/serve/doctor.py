"""What ``peyvand doctor`` says: one finding after the other, and with every bad one what to do about it.

Nothing is changed, and a check that fails does not keep the next one from being made.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.accounts.actor import as_system
from core.accounts.models import now
from core.accounts.openid import Provider, ProviderError
from core.accounts.set_up import link_file
from core.accounts.users import has_administrator
from core.config import Config
from core.database import migrations
from core.database.engine import Database
from core.database.secrets import Secrets
from core.database.word_index import has_word_index, index_statements
from core.errors import ConfigError, PeyvandError, SecretError, StartError
from core.jobs.models import JOBS, QUEUED
from core.mail.models import IN_DOUBT, MAILS
from core.mail.sending import TryLater, connected
from core.mail.server import find_server
from core.records.record import Searchable
from core.serve import checks
from core.serve.exposure import exposure
from core.serve.findings import Finding
from core.serve.upkeep import upkeep
from core.site.lifecycle import CORE_FOLDER
from core.site.runtime import Runtime
from core.site.selection import LOADED, OFF
from core.site.site import Site
from core.site.state import ENABLED, INSTALLING, PURGING, Process, lives, read_generation

ROOM = 512 * 1024 * 1024  # bytes below which a day's work may fill the disk
PATIENCE = dt.timedelta(minutes=5)  # how long a job that is due may wait
KINDS = ("web", "worker", "scheduler")


def examine(config: Config) -> list[Finding]:
    """Look at the whole installation of ``config``."""
    findings = [*_instance(config), *exposure(config), *_redis(config)]
    database = _database(config)
    findings.append(database)
    if database.good:
        findings += _inside(config)
    return findings


def _instance(config: Config) -> Iterator[Finding]:
    folder = config.instance
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(False, "instance folder", f"{folder} cannot be written; give it to the user who runs Peyvand.")
        return
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield Finding(False, "instance folder", f"Other users of this machine can look into it: chmod 700 {folder}")
    else:
        yield Finding(True, "instance folder", f"{folder} is closed to others.")
    files = config.attachments
    if files.exists() and not os.access(files, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(False, "attached files", f"{files} cannot be written; give it to the user who runs Peyvand.")
    else:
        yield Finding(True, "attached files", f"{files} can be written.")
    key = folder / "secret_key"
    if not key.exists():
        yield Finding(True, "secret key", "It is given by PEYVAND_SECRET_KEY.")
    elif stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield Finding(False, "secret key", f"Other users can read it: chmod 600 {key}, then sign everybody out.")
    else:
        yield Finding(True, "secret key", "Only its owner can read it.")
    free = shutil.disk_usage(folder).free
    left = f"{free >> 20} MB are left on the disk of {folder}"
    if free < ROOM:
        yield Finding(False, "disk", f"{left}; make room before the database and the queue cannot write any more.")
    else:
        yield Finding(True, "disk", f"{left}.")


def _redis(config: Config) -> Iterator[Finding]:
    try:
        checks.check_redis(config)
    except StartError as error:
        advice = "" if config.own_redis else " Start it, or correct PEYVAND_REDIS_URL; jobs wait until it answers."
        yield Finding(False, "Redis", f"{error}{advice}")
    else:
        yield Finding(True, "Redis", "It answers.")


def _database(config: Config) -> Finding:
    if config.is_sqlite and not Path(config.database_url.removeprefix("sqlite:///")).exists():
        return Finding(False, "database", "There is none yet; make it with: peyvand init")
    try:
        checks.check_database(config)
    except StartError as error:
        return Finding(False, "database", f"{error} Start it, or correct PEYVAND_DATABASE_URL.")
    database = Database(config)
    try:
        with database.autocommit() as connection:
            current = migrations.current_revision(connection, "core")
    except sa.exc.SQLAlchemyError as error:
        return Finding(False, "database", f"It does not answer: {error.__class__.__name__}. Look into its log.")
    finally:
        database.dispose()
    newest = migrations.check_history("core", CORE_FOLDER)
    if current is None:
        return Finding(False, "database", "It has no tables yet; make them with: peyvand init")
    if current != newest:
        return Finding(
            False, "database", f"Its tables are at {current}, the code is at {newest}; bring them up with: peyvand init"
        )
    return Finding(True, "database", f"It answers and its tables are at {current}.")


def _inside(config: Config) -> Iterator[Finding]:
    """What only an installation with a database of this version can tell."""
    runtime = Runtime(dataclasses.replace(config, strict=False))
    try:
        with runtime.database.autocommit() as connection:
            yield from _processes(connection)
            yield from _backlog(connection)
            yield from upkeep(config, connection)
            yield _secrets(config, connection)
            yield _mail(config, connection)
        yield from _provider(config)
        with as_system("doctor", source="command"), runtime.database.sessions() as session:
            yield _administrator(config, has_administrator(session))
        try:
            yield from _plugins(runtime.current_site())
            yield from _search(runtime)
        except (PeyvandError, sa.exc.SQLAlchemyError) as error:
            yield Finding(False, "site", f"It cannot be built: {error}. Start without plugins: peyvand serve --safe")
    finally:
        runtime.database.dispose()


def _processes(connection: Connection) -> Iterator[Finding]:
    generation = read_generation(connection)
    rows = connection.execute(sa.select(Process.__table__)).all()  # type: ignore[arg-type]
    alive = [row for row in rows if row.kind in KINDS and lives(row.id, row.seen_at)]
    if not alive:
        yield Finding(False, "processes", "None is running; start them with: peyvand serve")
        return
    for kind in KINDS:
        own = [row for row in alive if row.kind == kind]
        behind = [row for row in own if row.generation != generation]
        if not own:
            yield Finding(False, f"{kind} process", f"None is running; start one with: peyvand serve --only {kind}")
        elif behind:
            names = ", ".join(row.id for row in behind)
            yield Finding(
                False, f"{kind} process", f"{names} still serves an older generation than {generation}; restart it."
            )
        else:
            yield Finding(True, f"{kind} process", f"{len(own)} on generation {generation}.")


def _backlog(connection: Connection) -> Iterator[Finding]:
    due = sa.or_(JOBS.c.run_after.is_(None), JOBS.c.run_after <= now())
    late = sa.select(sa.func.count(), sa.func.min(JOBS.c.created_at)).where(
        JOBS.c.status == QUEUED, due, JOBS.c.created_at < now() - PATIENCE
    )
    count, oldest = connection.execute(late).one()
    if count:
        yield Finding(
            False,
            "queue",
            f"{count} jobs wait, the oldest since {oldest:%Y-%m-%d %H:%M} UTC; see that Redis answers and that a worker"
            " runs, or start another one with: peyvand serve --only worker",
        )
    else:
        yield Finding(True, "queue", "No job waits for long.")


def _mail(config: Config, connection: Connection) -> Finding:
    try:
        server = find_server(connection, config)
    except (SecretError, ConfigError) as error:
        return Finding(False, "mail", f"{error} Mails wait.")
    if server is None:
        return Finding(True, "mail", "It is off; set it up under Administration, Mail, to have mail sent.")
    doubtful = connection.scalar(sa.select(sa.func.count()).where(MAILS.c.state == IN_DOUBT)) or 0
    if doubtful:
        sentence = f"{doubtful} mails may or may not have arrived; decide under Administration, Mail."
        return Finding(False, "mail", sentence)
    try:
        with connected(server):
            return Finding(True, "mail", f"{server.host}:{server.port} answers.")
    except TryLater as error:
        place = "the PEYVAND_SMTP_ settings" if server.from_environment else "the server under Administration, Mail"
        return Finding(False, "mail", f"{error} Correct {place}; mails wait.")


def _provider(config: Config) -> Iterator[Finding]:
    if not config.oidc_issuer:
        return
    try:
        Provider(config).check()
    except ProviderError as error:
        sentence = f"{error} Correct the PEYVAND_OIDC_ settings; passwords work meanwhile."
        yield Finding(False, "sign-in provider", sentence)
    else:
        yield Finding(True, "sign-in provider", f"{config.oidc_issuer} answers.")


def _secrets(config: Config, connection: Connection) -> Finding:
    secrets = Secrets(config)
    try:
        count, reason = secrets.unreadable(connection)
    except ConfigError as error:
        return Finding(False, "secrets", str(error))
    if count:
        return Finding(False, "secrets", f"{count} stored secrets cannot be opened. {reason}")
    if not secrets.key_name:
        return Finding(True, "secrets", "None is stored yet.")
    return Finding(True, "secrets", f"All can be opened; the key {secrets.key_name} encrypts.")


def _administrator(config: Config, there_is_one: bool) -> Finding:
    if there_is_one:
        return Finding(True, "administrator", "There is one.")
    if link_file(config).exists():
        return Finding(
            False,
            "administrator",
            f"Nobody is one yet; open the link in {link_file(config)}, or print a new one with: peyvand init",
        )
    return Finding(False, "administrator", "Nobody is one yet; print a set-up link with: peyvand init")


def _search(runtime: Runtime) -> Iterator[Finding]:
    """A search without its index is slow and not wrong, and a host may refuse the extension: a remark, no fault."""
    models = [entry.model for entry in runtime.current_site().catalog if issubclass(entry.model, Searchable)]
    tables = sorted({sa.inspect(model).local_table.name for model in models})
    with runtime.database.autocommit() as connection:
        plain = [table for table in tables if not has_word_index(connection, table)]
    if plain:
        yield Finding(
            True,
            "search",
            f"It reads the whole of {', '.join(plain)}. To have it fast, let a superuser run, for each of them: "
            f"{'; '.join(index_statements(plain[0], runtime.database.engine.dialect.name))}",
        )
    elif tables:
        yield Finding(True, "search", "Parts of words are found by an index.")


def _plugins(site: Site) -> Iterator[Finding]:
    if site.runtime.config.safe:
        yield Finding(False, "plugins", "Safe mode is on, so none runs; unset PEYVAND_SAFE and start again.")
        return
    running = 0
    for status in site.plugins.values():
        subject = f"plugin {status.name}"
        if status.state in (INSTALLING, PURGING):
            yield Finding(
                False, subject, f"It is {status.state}; if nobody is at it, peyvand init takes back what was cut off."
            )
        elif status.state == ENABLED and status.observed != LOADED:
            yield Finding(
                False,
                subject,
                f"It does not run ({status.observed}): {status.error} Install a version that works,"
                f" or switch it off with: peyvand plugin disable {status.name}",
            )
        elif status.state == ENABLED and status.upgradable:
            yield Finding(
                False,
                subject,
                f"Its tables are of version {status.version}; bring them up with: peyvand plugin upgrade {status.name}",
            )
        elif status.state != ENABLED and status.observed != OFF and status.found is not None and status.error:
            yield Finding(False, subject, f"It cannot be used: {status.error} Correct it or remove its package.")
        else:
            running += status.state == ENABLED
    yield Finding(True, "plugins", f"{running} run.")
