"""What importing a module changes beyond the module itself, found out in an interpreter of its own.

    python -m core.testing.side_effects plugin INSTANCE NAME ...   the last plugin, after those it needs
    python -m core.testing.side_effects modules LIBRARIES MODULE ...   each module alone

The answer is one line of JSON: sentences, none when all is well.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = "peyvand-side-effects:"
TIMEOUT = 60  # seconds


def of_plugin(names: Sequence[str], instance: Path) -> list[str]:
    """What importing the last of ``names`` changes, the others being imported before; one sentence per thing.

    Args:
        names: a plugin behind everything it needs.
        instance: the instance folder, for plugins that live there.
    """
    return _ask(["plugin", str(instance), *names])


def of_modules(modules: Sequence[str], libraries: Sequence[str] = ()) -> list[str]:
    """What importing each of ``modules`` changes, each in a process of its own.

    Args:
        modules: names in full.
        libraries: modules of others that are imported before, once for all, because they take most of the time.
    """
    return _ask(["modules", ",".join(libraries), *modules], TIMEOUT + len(modules))


def _ask(arguments: list[str], within: float = TIMEOUT) -> list[str]:
    child = subprocess.run(
        [sys.executable, "-m", "core.testing.side_effects", *arguments],
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )
    for line in child.stdout.splitlines():
        if line.startswith(MARK):
            return list(json.loads(line.removeprefix(MARK)))
    return [f"The interpreter ended with status {child.returncode}: {child.stderr[-2000:]}"]


@dataclass(frozen=True)
class Snapshot:
    """What a process shares among all its modules."""

    environment: dict[str, str]
    folder: str
    threads: frozenset[str]
    handlers: dict[int, Any]
    files: frozenset[str]
    path: tuple[str, ...]

    @classmethod
    def take(cls) -> Snapshot:
        """The state of this process."""
        return cls(
            environment=dict(os.environ),
            folder=os.getcwd(),
            threads=frozenset(thread.name for thread in threading.enumerate()),
            handlers={int(number): signal.getsignal(number) for number in signal.valid_signals()},
            files=_open_files(),
            path=tuple(sys.path),
        )

    def changes(self, later: Snapshot) -> Iterator[str]:
        """A sentence for each thing that is different ``later``."""
        for name in sorted(set(self.environment) | set(later.environment)):
            if self.environment.get(name) != later.environment.get(name):
                yield f"changes the environment variable {name}"
        if self.folder != later.folder:
            yield f"changes the working folder to {later.folder}"
        for name in sorted(later.threads - self.threads):
            yield f"starts the thread {name}"
        for number, handler in later.handlers.items():
            if handler != self.handlers[number]:
                yield f"handles the signal {signal.Signals(number).name}"
        for name in sorted(later.files - self.files):
            yield f"leaves {name} open"
        if self.path != later.path:
            yield "changes sys.path"


def _open_files() -> frozenset[str]:
    """Files and sockets this process holds; nothing where the system does not tell."""
    names = set()
    for link in Path("/proc/self/fd").glob("*"):
        try:
            target = os.readlink(link)
        except OSError:
            continue  # the descriptor that listed the folder is closed again
        if not target.startswith(("/proc/", "anon_inode:", "pipe:", "/dev/")):
            names.add(target)
    return frozenset(names)


def _blinker_receivers() -> dict[int, str]:
    """The functions connected to any blinker signal, with the signal's name."""
    from blinker import Signal

    signals = [entry for entry in gc.get_objects() if isinstance(entry, Signal)]
    return {key: str(getattr(s, "name", s)) for s in signals for key in s.receivers if isinstance(key, int)}


def _listener_targets() -> set[tuple[Any, ...]]:
    """The keys under which SQLAlchemy keeps event listeners: (id of the target, event, id of the function)."""
    from sqlalchemy.event import registry

    return set(registry._key_to_collection)


def _shared_targets(plugin: str) -> dict[int, str]:
    """What listeners of ``plugin`` must leave alone: by identity, with a name for the sentence."""
    import sqlalchemy as sa
    from sqlalchemy.orm import Mapper, Session, scoped_session, sessionmaker

    from core.database.base import METADATA, _bases
    from core.records.gate import GatedSession
    from core.records.record import Part, Record

    shared = [Session, GatedSession, sessionmaker, scoped_session, Mapper, sa.Engine, sa.Pool, sa.Table, METADATA]
    named = {id(target): getattr(target, "__name__", repr(target)) for target in (*shared, Record, Part)}
    for owner, base in _bases.items():
        if owner == plugin:
            continue
        for mapper in base.registry.mappers:
            model = mapper.class_
            named |= {id(part): model.__name__ for part in (model, mapper, mapper.local_table, mapper.class_manager)}
            named |= {id(getattr(model, key)): f"{model.__name__}.{key}" for key in mapper.attrs.keys()}  # noqa: SIM118
    return named


def _attributes(plugin: str) -> dict[str, frozenset[str]]:
    """The mapped attributes of every class that is not the plugin's."""
    from core.database.base import _bases

    mappers = [m for owner, base in _bases.items() if owner != plugin for m in base.registry.mappers]
    return {f"{m.class_.__module__}.{m.class_.__name__}": frozenset(m.attrs.keys()) for m in mappers}


def _check_plugin(instance: str, *names: str) -> list[str]:
    from core.extension.discovery import discover
    from core.extension.loading import load_plugin

    importlib.import_module("core.web.hooks")
    found = discover(Path(instance) / "plugins")
    *needed, name = names
    for other in needed:
        load_plugin(found[other])
    package = found[name].package
    known = set(sys.modules)
    importlib.import_module(package)
    parents = {package.rpartition(".")[0], package}
    heavy = sorted(set(sys.modules) - known - parents)
    sentences = [f"importing the package alone imports {', '.join(heavy[:5])}"] if heavy else []

    shared = _shared_targets(name)
    before, attributes = Snapshot.take(), _attributes(name)
    listeners, receivers = _listener_targets(), _blinker_receivers()
    load_plugin(found[name])
    for module in _modules(found[name].folder, package):
        importlib.import_module(module)
    sentences += before.changes(Snapshot.take())
    for target, event, *_rest in sorted(_listener_targets() - listeners):
        if target in shared:
            sentences.append(f"listens to {event} of {shared[target]}, which is not its own")
    for key, signal_name in _blinker_receivers().items():
        if key not in receivers:
            sentences.append(f"connects to the signal {signal_name}")
    for model, keys in _attributes(name).items():
        added = keys - attributes.get(model, keys)
        if added:
            sentences.append(f"adds {', '.join(sorted(added))} to {model}")
    return sentences


def _modules(folder: Path, package: str) -> list[str]:
    """The plugin's modules, but for revisions, tests and glue, which is imported only beside its other half."""
    left_out = ("migrations", "tests", "glue")
    paths = [path.relative_to(folder).with_suffix("") for path in sorted(folder.rglob("*.py"))]
    names = [".".join(path.parts) for path in paths if path.parts[0] not in left_out and path.name != "__init__"]
    return [f"{package}.{name}" for name in names]


def _check_modules(libraries: str, *modules: str) -> list[str]:
    for library in filter(None, libraries.split(",")):
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    # What a copy of this process looks through for garbage it must copy first, and it ends before there is any.
    gc.freeze()
    gc.disable()
    return [sentence for module in modules for sentence in _in_a_fork(module)]


def _in_a_fork(module: str) -> list[str]:
    """What importing ``module`` changes in a copy of this process, which has imported none of ours."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as answer:
            json.dump(_check_module(module), answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return list(json.loads(text)) if text else [f"{module} ended the interpreter"]


def _check_module(module: str) -> list[str]:
    before = Snapshot.take()
    try:
        importlib.import_module(module)
    except (Exception, SystemExit) as error:
        return [f"{module} cannot be imported alone: {type(error).__name__}: {error}"]
    return [f"{module} {change}" for change in before.changes(Snapshot.take())]


COMMANDS: dict[str, Callable[..., list[str]]] = {"plugin": _check_plugin, "modules": _check_modules}


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    print(MARK + json.dumps(COMMANDS[command](*arguments)), flush=True)
