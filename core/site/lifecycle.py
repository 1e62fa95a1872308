"""Bringing plugins from one state to another, so that a crash at any moment leaves one or the other.

    (absent) ─install─▶ disabled ◀─enable/disable─▶ enabled
                 purge ◀─ removed ◀─uninstall─ disabled

A step that takes long is announced first (``installing`` or ``purging`` with the process that does it); what it
changes, tables included, commits in one transaction with the state that says so. Whoever finds an announcement of a
dead process takes it back.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.engine import Connection

from core.accounts.actor import acting, as_system
from core.accounts.models import now
from core.database import migrations
from core.database.engine import reading
from core.errors import LifecycleError, PluginError
from core.extension.discovery import FoundPlugin, discover
from core.extension.hooks import Hooks
from core.extension.loading import load_plugin
from core.processes import is_alive, process_id
from core.records.audit import Audit, audit_row
from core.records.belongings import forget_plugin
from core.records.gate import GatedSession
from core.site.export import export_tables
from core.site.locking import one_change_at_a_time
from core.site.plan import DISABLE, ENABLE, PURGE, UNINSTALL, UPGRADE, Plan, make_plan, with_trial
from core.site.runtime import CORE_VERSION, Runtime
from core.site.state import (
    DISABLED,
    ENABLED,
    INSTALLING,
    PURGING,
    REMOVED,
    Journal,
    PluginState,
    Process,
    bump_generation,
    lives,
    wanted_states,
)

log = logging.getLogger(__name__)

# The steps that change what there is, and what the audit calls them.
ACTS = {
    "installed": "install", "upgraded": UPGRADE, ENABLED: ENABLE, DISABLED: DISABLE, REMOVED: UNINSTALL,
    "purged": PURGE,
}  # fmt: skip
PURGE_WAIT = 60  # seconds for every process to let go of the tables

Report = Callable[[int, int, str], None]


def _silent(_done: int, _total: int, _message: str) -> None:
    return None


class Lifecycle:
    """Plans and performs changes of modules on behalf of one process.

    Args:
        runtime: this process.
        report: told the steps done, the steps in all and a sentence, as the work goes on.
    """

    def __init__(self, runtime: Runtime, report: Report = _silent) -> None:
        self.runtime = runtime
        self.database = runtime.database
        self.report = report
        self.operation = uuid.uuid4().hex

    # --- planning

    def plan(self, action: str, name: str) -> Plan:
        """What doing ``action`` to ``name`` would change; see ``core.site.plan``."""
        with self.database.autocommit() as connection:
            rows = wanted_states(connection)
            found = self._found()
            plan = make_plan(connection, action, name, found, rows, CORE_VERSION, self.runtime.site)
        if plan.blockers or action not in (ENABLE, UPGRADE) or not plan.steps:
            return plan
        manifests = {other: plugin.manifest for other, plugin in found.items() if plugin.manifest is not None}
        return with_trial(plan, manifests, self.runtime.config.instance)

    def _found(self) -> dict[str, FoundPlugin]:
        return discover(self.runtime.config.instance / "plugins")

    # --- performing

    def apply(self, action: str, name: str) -> Plan:
        """Do it, one step after the other; the plan as it was when the work began.

        Raises:
            LifecycleError: it is not possible now; the text says why. Steps already done stay done.
        """
        with one_change_at_a_time(self.database, self.runtime.config.instance):
            self.recover()
            plan = self.plan(action, name)
            if plan.blockers:
                if plan.trial is not None:
                    self._write(name, "refused", plan.trial.error, error=f"{plan.trial.error}\n{plan.trial.traceback}")
                raise LifecycleError(" ".join(plan.blockers))
            found = self._found()
            total = len(plan.steps)
            enabling: list[str] = []
            for done, step in enumerate(plan.steps):
                self.report(done, total, f"{step.action} {step.plugin}")
                if step.action == ENABLE:
                    enabling.append(step.plugin)
                elif step.action in ("install", UPGRADE):
                    self._install(step.plugin, found[step.plugin], upgrade=step.action == UPGRADE)
                elif step.action == UNINSTALL:
                    self._uninstall(step.plugin)
                elif step.action == PURGE:
                    self._purge(step.plugin)
            if enabling:
                self._switch(enabling, ENABLED)
            if action == DISABLE:
                self._switch([step.plugin for step in plan.steps], DISABLED)
            self.report(total, total, "")
            return plan

    def _install(self, name: str, plugin: FoundPlugin, *, upgrade: bool = False) -> None:
        assert plugin.manifest is not None
        version = str(plugin.manifest.version)
        with self.database.engine.begin() as connection:
            before = wanted_states(connection).get(name)
            self._announce(connection, name, INSTALLING, before)
        try:
            with migrations.schema_change(self.database) as connection:
                migrations.upgrade(connection, name, plugin.folder)
                if not upgrade:
                    self._after_install(connection, plugin)
                state = before.state if upgrade and before else DISABLED
                self._set(connection, name, state=state, version=version)
                if state == ENABLED:
                    bump_generation(connection)
                self._journal(connection, name, "upgraded" if upgrade else "installed", version)
        except Exception as error:
            self._take_back(name, before.state if before else None, str(error))
            raise LifecycleError(_("%(name)s was not installed: %(error)s", name=name, error=str(error))) from error

    def _switch(self, names: list[str], state: str) -> None:
        """Several plugins change state together, in one transaction with the generation."""
        with self.database.engine.begin() as connection:
            for name in names:
                self._set(connection, name, state=state)
                self._journal(connection, name, state)
            bump_generation(connection)

    def _uninstall(self, name: str) -> None:
        with self.database.engine.begin() as connection:
            self._set(connection, name, state=REMOVED)
            self._journal(connection, name, REMOVED)

    def _purge(self, name: str) -> None:
        with self.database.engine.begin() as connection:
            before = wanted_states(connection).get(name)
            self._announce(connection, name, PURGING, before)
            bump_generation(connection)
        try:
            self._wait_for_processes(name)
            with reading(), self.database.engine.connect() as connection:
                path = export_tables(connection, name, self.runtime.config.instance / "exports")
            with migrations.schema_change(self.database) as connection:
                tables = migrations.drop_tables(connection, name)
                forget_plugin(connection, name)
                table = PluginState.__table__
                connection.execute(sa.delete(table).where(table.c.name == name))  # type: ignore[arg-type]
                bump_generation(connection)
                detail = f"{', '.join(tables)}; {path.name if path else '-'}"
                self._journal(connection, name, "purged", detail)
        except Exception as error:
            self._take_back(name, REMOVED, str(error))
            raise LifecycleError(_("%(name)s was not purged: %(error)s", name=name, error=str(error))) from error

    def _wait_for_processes(self, name: str) -> None:
        """Until no other live process has the plugin's tables mapped."""
        deadline = time.monotonic() + PURGE_WAIT
        while True:
            holders = self._holders(name)
            if not holders:
                return
            if time.monotonic() > deadline:
                raise LifecycleError(
                    _("These processes still use its tables: %(who)s. Restart them.", who=", ".join(holders))
                )
            self.report(0, 1, f"waiting for {len(holders)} processes")
            time.sleep(0.3)

    def _holders(self, name: str) -> list[str]:
        table = Process.__table__
        with self.database.autocommit() as connection:
            rows = connection.execute(sa.select(table)).all()
        own = self._own_processes()
        alive = [row for row in rows if lives(row.id, row.seen_at)]
        return [f"{row.kind} {row.id}" for row in alive if row.id not in own and name in row.mapped]

    def _own_processes(self) -> set[str]:
        """This process, and the worker that forked it and waits for it: neither touches the tables meanwhile."""
        return {process_id(), process_id(os.getppid())}

    # --- hooks, states, journal

    def _after_install(self, connection: Connection, plugin: FoundPlugin) -> None:
        """Let the plugin add the rows it cannot live without, inside the operation's transaction."""
        hooks = Hooks()
        hooks.register(plugin.name, load_plugin(plugin))
        session = GatedSession(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        try:
            # What the hook asks for, jobs included, must be part of this transaction: another would wait for ever.
            with self.database.session.replaced_by(session), as_system(f"installation of {plugin.name}"):
                hooks.only(plugin.name, "after_install", session=session)
                session.commit()
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:
            raise PluginError(plugin.name, f"its hook after_install failed: {type(error).__name__}: {error}") from error
        finally:
            session.close()

    def _announce(self, connection: Connection, name: str, state: str, before: Any) -> None:
        values = {"owner": process_id(), "before": before.state if before else None}
        self._set(connection, name, state=state, version=before.version if before else "", **values)
        self._journal(connection, name, state)

    def _set(self, connection: Connection, name: str, **values: Any) -> None:
        table = PluginState.__table__
        settled = values.get("state") not in (INSTALLING, PURGING)
        values = {**({"owner": None, "before": None, "error": None} if settled else {}), **values, "changed_at": now()}
        updated = connection.execute(sa.update(table).where(table.c.name == name).values(values))  # type: ignore[arg-type]
        if updated.rowcount == 0:
            connection.execute(sa.insert(table).values(name=name, **values))  # type: ignore[arg-type]

    def _take_back(self, name: str, state: str | None, error: str) -> None:
        """Back to the state before, keeping the reason."""
        table = PluginState.__table__
        with self.database.engine.begin() as connection:
            row = wanted_states(connection).get(name)
            if row is not None and state is None:
                connection.execute(sa.delete(table).where(table.c.name == name))  # type: ignore[arg-type]
            elif row is not None:
                self._set(connection, name, state=state)
                connection.execute(sa.update(table).where(table.c.name == name).values(error=error[:8000]))  # type: ignore[arg-type]
            if row is not None and row.state == PURGING:
                bump_generation(connection)
            self._journal(connection, name, "failed", error)

    def _write(self, name: str, step: str, detail: str, error: str | None = None) -> None:
        with self.database.engine.begin() as connection:
            if error is not None and name in wanted_states(connection):
                table = PluginState.__table__
                connection.execute(sa.update(table).where(table.c.name == name).values(error=error[:8000]))  # type: ignore[arg-type]
            self._journal(connection, name, step, detail)

    def _journal(self, connection: Connection, name: str, step: str, detail: str = "") -> None:
        connection.execute(
            sa.insert(Journal.__table__).values(  # type: ignore[arg-type]
                operation=self.operation,
                plugin=name,
                step=step,
                at=now(),
                actor_id=acting().user_id,
                detail=detail[:8000],
            )
        )
        if step in ACTS:
            # In the transaction of the change, whoever asked for it and from wherever.
            row = audit_row("core.module", None, ACTS[step], {"module": (None, name)})
            connection.execute(sa.insert(Audit.__table__), [row])  # type: ignore[arg-type]

    # --- after a crash, and at the start

    def recover(self) -> list[str]:
        """Take back what dead processes announced and did not finish; one sentence for each.

        Their work was one transaction, so either it is all there, and the state says so, or none of it is.
        """
        sentences = []
        with self.database.autocommit() as connection:
            rows = wanted_states(connection)
        for name, row in rows.items():
            if row.state in (INSTALLING, PURGING) and row.owner and not is_alive(row.owner):
                what = _("installed") if row.state == INSTALLING else _("purged")
                sentence = _(
                    "%(name)s was being %(what)s when the process was stopped. Nothing was changed; you can try again.",
                    name=name,
                    what=what,
                )
                self._take_back(name, row.before, sentence)
                sentences.append(sentence)
        return sentences

    def upgrade_all(self) -> None:
        """Run what is missing of every installed plugin's history; the start does this before anything serves."""
        found = self._found()
        with self.database.autocommit() as connection:
            rows = wanted_states(connection)
        for name, row in rows.items():
            plugin = found.get(name)
            if plugin is None or plugin.manifest is None or row.state not in (ENABLED, DISABLED):
                continue
            if row.version != str(plugin.manifest.version):
                try:
                    self._install(name, plugin, upgrade=True)
                except LifecycleError as error:
                    # The old tables are as they were; the module page shows the reason, the others start.
                    log.error("%s", error)


@contextlib.contextmanager
def started(runtime: Runtime, report: Report = _silent) -> Iterator[Lifecycle]:
    """A Lifecycle inside the app context it needs."""
    with runtime.current_site().app.app_context():
        yield Lifecycle(runtime, report)


CORE_FOLDER = Path(__file__).resolve().parents[1]
