"""The Runtime: what a process can only add to. It holds the current Site and knows when it is out of date.

current_site()   read the generation ─ same? ─▶ the Site we have
                                     └ other? ─▶ one thread builds, the others wait ─▶ swap
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import threading
import time
from types import ModuleType

import sqlalchemy as sa
from packaging.version import Version

import core
from core.accounts.models import now
from core.config import Config
from core.database.engine import Database
from core.errors import PluginError, StartError
from core.extension.discovery import FoundPlugin, discover
from core.extension.hooks import Hooks
from core.extension.loading import load_glue, load_plugin, loaded_version
from core.jobs.queue import JobQueue
from core.processes import process_id
from core.records.gate import GatedSession
from core.site.assembly import assemble
from core.site.gate import Gate
from core.site.selection import LOADED, STALE, Selection, select
from core.site.site import Site
from core.site.state import PURGING, Process, forget_the_dead, read_generation, wanted_states

log = logging.getLogger(__name__)

BEAT_EVERY = 5.0  # seconds between two heartbeats
BACK_OFF = 10.0  # seconds before a build that failed is tried again
CORE_VERSION = Version(core.__version__)
CORE_HOOKS = "core.web.hooks"


class Runtime:
    """One per process.

    Args:
        config: the installation.
        kind: ``web``, ``worker``, ``scheduler`` or ``command``, for the heartbeat.
    """

    def __init__(self, config: Config, kind: str = "command") -> None:
        self.config = config
        self.kind = kind
        self.database: Database = Database(config, GatedSession)
        self.queue = JobQueue(config)
        self.gate = Gate()
        self.started_at = now()
        self._imported: dict[str, tuple[ModuleType, str]] = {}
        self._site: Site | None = None
        self._lock = threading.Lock()
        self._failed_until = 0.0
        self._purging: frozenset[str] = frozenset()
        self._pid = os.getpid()
        self._beat_at = 0.0
        self._beat_generation = -1

    @property
    def site(self) -> Site:
        """The Site as it is, without asking the database."""
        return self._site or self.current_site()

    def current_site(self, at_least: int = 0) -> Site:
        """The Site of the current generation, built now if need be.

        A build that fails keeps the last good Site; so does a database that does not answer.

        Args:
            at_least: a generation that the asker has seen already; it is built even while a failure backs off.
        """
        site = self._find_site(at_least)
        self._beat_if_due(site)
        return site

    def site_at_hand(self, at_least: int) -> Site | None:
        """The Site as it is, without asking whether it is the current one; None before the first, and where the asker
        has seen the generation ``at_least`` already, which is newer."""
        site = self._site
        return site if site is not None and site.generation >= at_least else None

    def _find_site(self, at_least: int) -> Site:
        site = self._site
        try:
            with self.database.autocommit() as connection:
                wanted = read_generation(connection)
        except sa.exc.SQLAlchemyError:
            if site is None:
                raise
            return site
        if site is not None and site.generation == wanted:
            return site
        if site is not None and time.monotonic() < self._failed_until and site.generation >= at_least:
            return site
        with self._lock:
            if self._site is None or self._site.generation != wanted:
                self._swap()
            assert self._site is not None
            return self._site

    def _swap(self) -> None:
        try:
            self._site = self.build()
            self._failed_until = 0.0
        except Exception:
            if self._site is None:
                raise
            self._failed_until = time.monotonic() + BACK_OFF
            log.exception("The new Site cannot be built; the last good one (%d) goes on.", self._site.generation)

    def build(self) -> Site:
        """Build the Site of the current generation; plugins that spoil it are left out and named.

        Raises:
            StartError: in strict mode, when any wanted plugin does not run.
        """
        with self.database.autocommit() as connection:
            generation = read_generation(connection)
            rows = wanted_states(connection)
        self._purging = frozenset(name for name, row in rows.items() if row.state == PURGING)
        found = discover(self.config.instance / "plugins")
        selection = select(found, rows, self._imported, CORE_VERSION, safe=self.config.safe)
        while True:
            try:
                site = assemble(self, generation, selection, self._hooks(selection))
                break
            except PluginError as error:
                if error.plugin not in selection.active:
                    raise
                log.warning("The plugin %s is left out: %s", error.plugin, error.reason)
                selection.quarantine(error)
        if self.config.strict:
            broken = [
                s for s in selection.status.values() if s.state == "enabled" and s.observed not in (LOADED, STALE)
            ]
            if broken:
                raise StartError("; ".join(f"The plugin {s.name} does not run: {s.error}" for s in broken))
        return site

    def _hooks(self, selection: Selection) -> Hooks:
        """Import what is not imported yet, behind the closed gate, and register everybody's hooks."""
        hooks = Hooks()
        hooks.register("core", importlib.import_module(CORE_HOOKS))
        missing = [name for name in selection.active if name not in self._imported]
        if missing:
            with self.gate.closed():
                for name in missing:
                    self._import(selection.found[name])
        for name in selection.active:
            hooks.register(name, self._imported[name][0])
            manifest = selection.manifests[name]
            for other in sorted({*manifest.uses, *manifest.depends} & set(selection.active)):
                glue = load_glue(selection.found[name], other)
                if glue is not None:
                    hooks.register(name, glue, other)
        return hooks

    def _import(self, plugin: FoundPlugin) -> None:
        self._imported[plugin.name] = (load_plugin(plugin), loaded_version(plugin.name))

    def must_retire(self) -> bool:
        """Whether this process has mapped tables that are being purged, and should make room for a fresh one."""
        return any(name in self._imported for name in self._purging)

    def _beat_if_due(self, site: Site) -> None:
        """Beat while looking, in processes that look by themselves; a web process has its ``Watch``, a forked child no
        heartbeat of its own."""
        if self.kind not in ("worker", "scheduler") or os.getpid() != self._pid:
            return
        if time.monotonic() - self._beat_at < BEAT_EVERY and self._beat_generation == site.generation:
            return
        try:
            self.heartbeat()
        except sa.exc.SQLAlchemyError as error:
            log.warning("The heartbeat could not be written: %s", error)

    def heartbeat(self) -> None:
        """Tell the database that this process lives, on which generation, with which plugins mapped."""
        self._beat_at = time.monotonic()
        self._beat_generation = self._site.generation if self._site else -1
        values = {
            "kind": self.kind,
            "started_at": self.started_at,
            "seen_at": now(),
            "generation": self._site.generation if self._site else 0,
            "mapped": sorted(self._imported),
            "observed": {s.name: [s.observed, s.error] for s in self._site.plugins.values()} if self._site else {},
        }
        table = Process.__table__
        with self.database.engine.begin() as connection:
            updated = connection.execute(sa.update(table).where(table.c.id == process_id()).values(values))  # type: ignore[arg-type]
            if updated.rowcount == 0:
                forget_the_dead(connection)
                connection.execute(sa.insert(table).values(id=process_id(), **values))  # type: ignore[arg-type]

    def sign_off(self) -> None:
        """Remove this process's heartbeat and close its connections."""
        table = Process.__table__
        try:
            with self.database.engine.begin() as connection:
                connection.execute(sa.delete(table).where(table.c.id == process_id()))  # type: ignore[arg-type]
        except sa.exc.SQLAlchemyError:
            log.warning("The heartbeat of this process could not be removed; it will be forgotten in time.")
        self.database.dispose()


class Watch(threading.Thread):
    """Keeps an idle process up to date: follows the generation, sends heartbeats, retires when it has to.

    Args:
        runtime: what to keep up to date.
        retire: end the process by SIGTERM when it must make room, for servers that a master starts again.
    """

    EVERY = 1.0  # seconds between two looks at the generation
    BEATS = 5  # looks between two heartbeats

    def __init__(self, runtime: Runtime, *, retire: bool = True) -> None:
        super().__init__(name="peyvand-watch", daemon=True)
        self.runtime = runtime
        self.retire = retire
        self.stopped = threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        looks, told = 0, -1
        while not self.stopped.wait(self.EVERY if looks else 0):
            try:
                site = self.runtime.current_site()
                if looks % self.BEATS == 0 or site.generation != told:
                    self.runtime.heartbeat()
                    told = site.generation
                if self.retire and self.runtime.must_retire():
                    log.info("This process makes room for a fresh one: it mapped a plugin that is being purged.")
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
            except Exception:
                log.exception("Looking for a new generation failed; another look follows.")
            looks += 1
