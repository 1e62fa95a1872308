"""``peyvand audit``: whether the history is what was written, and sealing it now."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from core.config import Config


@click.group()
def audit() -> None:
    """Check and seal the history of changes."""


@audit.command()
@click.option("--anchor", type=click.Path(path_type=Path), help="A copy of the anchor kept elsewhere.")
@click.option(
    "--earlier-key", multiple=True, type=click.Path(exists=True, path_type=Path),
    help="A file with a secret key that the installation had before; may be given several times.",
)  # fmt: skip
def verify(anchor: Path | None, earlier_key: tuple[Path, ...]) -> None:
    """Recompute every seal; status 1 and the first seal and row that differ when something was tampered with."""
    from core.database.append_only import is_append_only
    from core.database.engine import Database, reading
    from core.records.seals.anchor import anchor_file, read_anchor
    from core.records.seals.digest import key_ring
    from core.records.seals.verifying import verify as look

    config = Config.load()
    place = anchor or anchor_file(config)
    known = read_anchor(place)
    if known is None and anchor is not None:
        raise click.ClickException(f"There is no file {anchor}.")
    earlier = [path.read_text("ascii", "replace").strip().encode() for path in earlier_key]
    database = Database(config)
    try:
        with reading(), ExitStack() as stack:
            engine = database.engine
            if not database.is_sqlite:
                engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            connection = stack.enter_context(engine.connect())
            guarded = is_append_only(connection, "core_audit")
            verdict = look(connection, key_ring([config.secret_key, *earlier]), known)
    finally:
        database.dispose()
    click.echo(f"{verdict.seals} seals over {verdict.rows} rows agree; {verdict.unsealed} rows are not sealed yet.")
    if verdict.removed:
        click.echo(f"{verdict.removed} rows were removed because of their age, as the setting says.")
    if known is None:
        click.echo(f"There is no anchor at {place}: rows cut off at the end would not be missed.")
    problems = [verdict.problem] if verdict.problem else []
    if not guarded:
        problems.append("The database no longer refuses changes of core_audit: its triggers are gone.")
    for problem in problems:
        click.echo(f"TAMPERED: {problem}", err=True)
    if problems:
        sys.exit(1)


@audit.command()
def seal() -> None:
    """Seal what is not sealed yet, which the site does by itself every minute."""
    from core.database.engine import Database
    from core.records.seals.sealing import seal_audit

    config = Config.load()
    database = Database(config)
    try:
        done = seal_audit(database, config)
    finally:
        database.dispose()
    if done.busy:
        raise click.ClickException("Somebody is writing all the time; try again.")
    if done.conflict:
        raise click.ClickException("The anchor names another history; see: peyvand audit verify")
    click.echo(f"{done.rows} rows were sealed.")
