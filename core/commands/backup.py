"""``peyvand backup``, ``restore``, ``export-all`` and ``upgrade``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from core.config import Config


class Steps:
    """Says what is being done, a line for each table."""

    def __init__(self) -> None:
        self._said = ""

    def __call__(self, done: int, total: int, message: str) -> None:
        if message and message != self._said:
            self._said = message
            click.echo(f"  {done + 1}/{total} {message}")


@click.command()
@click.option("--to", "path", type=click.Path(path_type=Path), help="The file; in backups/ of the instance by default.")
@click.option("--with-keys", is_flag=True, help="Put the secret and encryption keys into it too.")
def backup(path: Path | None, with_keys: bool) -> None:
    """Copy the whole installation into one file, while it serves."""
    from core.backup.making import make_backup, new_backup_path, note_made

    config = Config.load()
    made = make_backup(config, path or new_backup_path(config), with_keys=with_keys, report=Steps())
    note_made(config, made)
    click.echo(f"{made.path}: {made.rows} rows, {made.attachments} attached files, {made.size} bytes.")
    if not with_keys:
        click.echo("The keys of the installation are not in it; keep secret_key and encryption_key in another place.")
    if made.missing:
        click.echo(f"The bytes of {len(made.missing)} attached files were missing or damaged already:", err=True)
        for sha256 in made.missing:
            click.echo(f"  {sha256}", err=True)
        sys.exit(1)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--without", multiple=True, help="A plugin whose tables are left out; may be given several times.")
def restore(path: Path, without: tuple[str, ...]) -> None:
    """Put a backup into an empty installation of the same or a newer version."""
    from core.backup.restoring import restore as put_back

    restored = put_back(Config.load(), path, without=frozenset(without), report=Steps())
    manifest = restored.manifest
    click.echo(
        f"Restored the backup of {manifest.made_at}: {manifest.rows} rows of {len(manifest.tables)} tables, "
        f"{len(manifest.attachments)} attached files."
    )
    for sentence in restored.sentences:
        click.echo(sentence)
    if not manifest.has_keys:
        click.echo(
            "The backup holds no keys: put secret_key and encryption_key of the old installation in their place."
        )
    click.echo("Everybody signs in anew. Jobs that waited are cancelled; mails that were about to go are in doubt.")


@click.command("export-all")
@click.argument("folder", type=click.Path(path_type=Path))
def export_everything(folder: Path) -> None:
    """Write every record of every type into FOLDER as open files, attached files too."""
    from core.accounts.actor import as_system
    from core.backup.exporting import export_all
    from core.backup.making import BACKUP
    from core.records.audit import record_act
    from core.site.runtime import Runtime

    config = Config.load()
    runtime = Runtime(config)
    try:
        site = runtime.current_site()
        with site.app.app_context(), as_system("export of everything", source="command"):
            session = runtime.database.session()
            counts = export_all(config, session, site.catalog, folder, Steps())
            record_act(session, BACKUP, "exported", {name: (None, count) for name, count in counts.items()})
            session.commit()
    finally:
        runtime.database.dispose()
    for name, count in counts.items():
        click.echo(f"  {name}: {count}")
    click.echo(f"Everything is in {folder}; README.txt there says what each field is.")


@click.command()
def upgrade() -> None:
    """Make a backup, then bring all tables to the installed code."""
    from core.backup.upgrading import upgrade as bring_up

    done = bring_up(Config.load(), report=Steps())
    click.echo(f"A backup from before is in {done.backup}.")
    for sentence in done.sentences:
        click.echo(sentence)
    if done.behind:
        for sentence in done.behind:
            click.echo(f"Not upgraded: {sentence}", err=True)
        click.echo(
            "Their tables are as they were, and the rest runs. Install versions that fit, and repeat this.", err=True
        )
        sys.exit(1)
    click.echo("All tables are at the installed version; start it with: peyvand serve")
