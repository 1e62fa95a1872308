"""The ``peyvand`` command."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import click

import core
from core.commands.audit import audit
from core.commands.backup import backup, export_everything, restore
from core.commands.backup import upgrade as upgrade_all
from core.config import Config
from core.errors import PeyvandError, ValidationError


class Sentences(click.Group):
    """A group whose commands end with one sentence and status 1 when something is wrong, not with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ValidationError as error:
            raise click.ClickException("\n".join(f"{name}: {text}" for name, text in error.errors.items())) from error
        except PeyvandError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(core.__version__, prog_name="peyvand")
def main() -> None:
    """A modular CRM. Settings come from PEYVAND_* variables; see docs/administration.md."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


for longer in (audit, backup, restore, export_everything, upgrade_all):
    main.add_command(longer)


@contextmanager
def _site() -> Iterator[Any]:
    """The current Site in its app context, acting as the installation."""
    from core.accounts.actor import as_system
    from core.site.installation import is_prepared, prepare_core
    from core.site.runtime import Runtime

    runtime = Runtime(Config.load())
    try:
        if not is_prepared(runtime):
            prepare_core(runtime)
        site = runtime.current_site()
        with site.app.app_context(), as_system("command line", source="command"):
            yield site
    finally:
        runtime.database.dispose()


# --- running


@main.command()
@click.option(
    "--only", type=click.Choice(["web", "worker", "scheduler"]), help="Run one role alone, for many machines."
)
@click.option("--safe", is_flag=True, help="Run the core alone, without any plugin.")
@click.option("--strict", is_flag=True, help="Refuse to start while any plugin is broken.")
def serve(only: str | None, safe: bool, strict: bool) -> None:
    """Start the installation; Ctrl-C stops all of it."""
    import os

    from core.serve.roles import serve as run

    for name, wanted in (("PEYVAND_SAFE", safe), ("PEYVAND_STRICT", strict)):
        if wanted:
            os.environ[name] = "1"
    config = Config.load()
    sys.exit(run(config, only, announce=lambda: _announce(config)))


def _announce(config: Config) -> None:
    from core.accounts.set_up import make_link

    with _site() as site:
        link = make_link(site.runtime.database.session(), config)
    click.echo(f"Peyvand is ready at {config.public_url}")
    if link:
        click.echo(f"Make the first administrator here, within an hour:\n  {link}")


@main.command()
def init() -> None:
    """Make or upgrade the tables, and print the set-up link of a new installation."""
    from core.accounts.set_up import make_link
    from core.site.installation import prepare

    config = Config.load()
    for sentence in prepare(config):
        click.echo(sentence)
    with _site() as site:
        link = make_link(site.runtime.database.session(), config)
    click.echo(f"The set-up link: {link}" if link else "The installation is ready.")


# --- plugins


@main.group()
def plugin() -> None:
    """See and change which plugins are on."""


@plugin.command("list")
def list_plugins() -> None:
    """Every plugin with its state."""
    with _site() as site:
        for status in site.plugins.values():
            version = str(status.manifest.version) if status.manifest else status.version
            line = f"{status.name:24} {version:10} {status.state:10} {status.observed}"
            click.echo(f"{line}  {status.error}" if status.error else line)


def _print_plan(plan: Any) -> None:
    click.echo(f"Plan: {plan.action} {plan.plugin}")
    for number, step in enumerate(plan.steps, 1):
        click.echo(f"  {number}. {step.action} {step.plugin}")
    if not plan.steps and not plan.blockers:
        click.echo("  nothing to do")
    for table in plan.new_tables:
        click.echo(f"  new table {table}")
    for table, rows in plan.tables.items():
        click.echo(f"  table {table}: {rows} rows")
    if plan.jobs:
        click.echo(f"  {plan.jobs} jobs will wait")
    for permission in plan.permissions:
        click.echo(f"  permission {permission}")
    for sentence in plan.blockers:
        click.echo(f"  cannot: {sentence}")


@plugin.command("plan")
@click.argument("name")
@click.argument("action", default="enable", type=click.Choice(["enable", "disable", "uninstall", "purge", "upgrade"]))
def plan_change(name: str, action: str) -> None:
    """What ACTION (enable unless you say otherwise) would do; nothing is changed."""
    from core.site.lifecycle import Lifecycle

    with _site() as site:
        plan = Lifecycle(site.runtime).plan(action, name)
    _print_plan(plan)
    if plan.blockers:
        sys.exit(1)


def _change(action: str, name: str) -> None:
    from core.site.lifecycle import Lifecycle

    with _site() as site:
        plan = Lifecycle(site.runtime, lambda done, total, message: click.echo(f"  {done}/{total} {message}")).apply(
            action, name
        )
    click.echo(f"Done: {', '.join(f'{step.action} {step.plugin}' for step in plan.steps) or 'nothing to do'}")


@plugin.command()
@click.argument("name")
def enable(name: str) -> None:
    """Switch a plugin on, with everything it needs."""
    _change("enable", name)


@plugin.command()
@click.argument("name")
def disable(name: str) -> None:
    """Switch a plugin off, with everything that needs it. All data stays."""
    _change("disable", name)


@plugin.command()
@click.argument("name")
def upgrade(name: str) -> None:
    """Bring the plugin's tables to the version on the disk."""
    _change("upgrade", name)


@plugin.command()
@click.argument("name")
def uninstall(name: str) -> None:
    """Take a plugin that is off out of the list. All data stays."""
    _change("uninstall", name)


@plugin.command()
@click.argument("name")
@click.option("--yes", "confirmed", help="The plugin's name again, instead of typing it.", default="")
def purge(name: str, confirmed: str) -> None:
    """Drop the tables of an uninstalled plugin, after saving a copy."""
    if (confirmed or click.prompt(f"Type {name} to delete its data")) != name:
        raise click.ClickException("The names differ; nothing was deleted.")
    _change("purge", name)


@plugin.command("new")
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), help="The folder to write it to.")
def new_plugin(name: str, into: Path) -> None:
    """Write a small plugin of your own that works and passes its tests."""
    from core.testing.scaffold import write_plugin

    for path in write_plugin(name, into):
        click.echo(f"  {path}")


@plugin.command("migration")
@click.argument("name")
@click.argument("message")
def new_migration(name: str, message: str) -> None:
    """Write the revision that brings the plugin's tables to its models."""
    from core.testing.drafting import draft_revision

    path = draft_revision(name, message, Config.load().instance)
    click.echo(f"Wrote {path}" if path else "Nothing differs.")


# --- users


@main.group()
def user() -> None:
    """Make users and change their roles."""


@user.command("create")
@click.argument("email")
@click.option("--name", prompt=True)
@click.option("--role", type=click.Choice(["user", "administrator"]), default="user", show_default=True)
@click.password_option()
def create_user(email: str, name: str, role: str, password: str) -> None:
    """Add a user; the password is asked for, or read from the option."""
    from core.accounts import users

    with _site() as site:
        session = site.runtime.database.session
        made = users.create_user(session(), email, name, password, role)
        session.commit()
        click.echo(f"{made.email} is {role}.")


@user.command("role")
@click.argument("email")
@click.argument("role", type=click.Choice(["user", "administrator"]))
def change_role(email: str, role: str) -> None:
    """Give a user another role."""
    from core.accounts import users

    with _site() as site:
        session = site.runtime.database.session
        found = _user(session, email)
        users.set_role(session(), found, role)
        session.commit()
        click.echo(f"{found.email} is {role}.")


@user.command("two-step-off")
@click.argument("email")
def switch_second_factor_off(email: str) -> None:
    """Take the second step of sign-in away from a user who has lost telephone and recovery codes."""
    from core.accounts import second_factor

    with _site() as site:
        session = site.runtime.database.session
        found = _user(session, email)
        second_factor.switch_off(session(), found)
        session.commit()
        click.echo(f"{found.email} signs in with the password alone.")


@user.command("reset-link")
@click.argument("email")
def make_reset_link(email: str) -> None:
    """Print a link by which a user chooses a new password; it works once and for an hour."""
    from core.accounts import links
    from core.accounts.acts import RESET_ASKED, note

    with _site() as site:
        session = site.runtime.database.session
        found = _user(session, email)
        if not found.active:
            raise click.ClickException(f"{found.email} is deactivated.")
        _link, token = links.make(session(), found, links.RESET)
        note(session(), RESET_ASKED, found)
        session.commit()
        click.echo(links.address_of(site.runtime.config, links.RESET, token))


def _user(session: Any, email: str) -> Any:
    import sqlalchemy as sa

    from core.accounts.models import User

    found = session.scalar(sa.select(User).where(User.email == email.strip().lower()))
    if found is None:
        raise click.ClickException(f"There is no user {email}.")
    return found


# --- secrets


@main.group()
def secrets() -> None:
    """Look after the encryption of stored secrets."""


@secrets.command()
def rotate() -> None:
    """Encrypt every stored secret with a new key and drop the old one; the site may run meanwhile."""
    from core.database.secrets import Secrets

    with _site() as site:
        kept = Secrets(site.runtime.config)
        count = kept.rotate(site.runtime.database)
    click.echo(f"{count} stored secrets are encrypted with the key {kept.key_name}.")
    if kept.keyring.is_given:
        click.echo("Leave only the first key in PEYVAND_ENCRYPTION_KEY now, and start again.")


# --- looking and trying


@main.command()
@click.option("--language", type=click.Choice(["en", "fa"]), default="en", show_default=True)
def demo(language: Literal["en", "fa"]) -> None:
    """Add sample records of every plugin that is on."""
    from flask_babel import force_locale

    from core.calendars import LOCALES

    with _site() as site, site.app.test_request_context(), force_locale(LOCALES[language]):
        session = site.runtime.database.session()
        done = []
        for name, call in site.hooks.each("demo_data", session=session):
            call()
            session.commit()
            done.append(name)
    click.echo(f"Sample records of {', '.join(done)} were added." if done else "No plugin that is on has any.")


@main.command()
def doctor() -> None:
    """Check the installation and say what to do; status 1 when something needs doing."""
    from core.serve.doctor import examine

    findings = examine(Config.load())
    for finding in findings:
        click.echo(f"{'ok ' if finding.good else 'BAD'}  {finding.subject}: {finding.sentence}")
    if not all(finding.good for finding in findings):
        sys.exit(1)


if __name__ == "__main__":
    main()
