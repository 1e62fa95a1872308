"""The floors of the house: who may import whom. Names under TYPE_CHECKING are free, for they are never imported."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import core
from core.extension.manifest import read_manifest
from scripts import facade

ROOT = Path(__file__).resolve().parents[1]
FACADE = "__init__"
FLOORS = {
    0: (
        "config", "errors", "parts", "story", "hookspecs", "text", "calendars", "private_file", "outbound",
        "outbound_http", "variables", "garbage", "processes",
    ),  # fmt: skip
    1: ("database", "extension"),
    2: ("accounts", "records", "jobs", "notifications", "mail"),
    3: ("admin", "site"),
    4: ("reports", "resources", "web", "serve", "backup", "commands", "cli", "testing", FACADE),
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}

# Rooms of one floor that lean on each other, each with its reason.
NEIGHBOURS = {
    ("config", "errors"): "a setting that cannot be used is one of the errors",
    ("story", "parts"): "what plugins tell of a record has labels",
    ("calendars", "text"): "dates are typed in any digits",
    ("extension", "database"): "a plugin that does not load takes its mappers and tables with it",
    ("config", "variables"): "a configuration is read from environment variables",
    ("variables", "private_file"): "the secret key lies in a file of its owner",
    ("variables", "errors"): "a variable that cannot be used is refused by name",
    ("private_file", "errors"): "a file that others can read is a setting that cannot be used",
    ("outbound_http", "outbound"): "a request goes to an address that was checked",
    ("outbound_http", "errors"): "a host that may not be reached is refused with a sentence",
    ("outbound", "errors"): "a host that may not be reached is refused with a sentence",
    ("notifications", "mail"): "what is mailed at once is mailed where there is a mail server",
    ("mail", "records"): "a changed mail server stands in the audit",
    ("accounts", "records"): "what happens to accounts stands in the audit",
    ("records", "accounts"): "records are made, changed and owned by users",
    ("jobs", "accounts"): "a job runs with the rights of who asked for it",
    ("records", "jobs"): "events are delivered and imports run by jobs",
    ("notifications", "accounts"): "people are told, each with rights of their own",
    ("notifications", "records"): "nobody is told of a record that he may not see",
    ("notifications", "jobs"): "what is mailed at once is mailed by a job",
    ("mail", "accounts"): "a mail may go to a user",
    ("mail", "jobs"): "mails are sent by jobs",
    ("admin", "site"): "pages write numbers and dates in the reader's language, which the Site knows",
    ("site", "admin"): "a Site is put together from everything, the admin's views included",
    ("web", "reports"): "pages show reports; only pages do",
    ("cli", "serve"): "commands start the roles",
    ("commands", "backup"): "commands make and restore backups",
    ("web", "backup"): "administrators make backups in the browser",
    ("backup", FACADE): "a backup says which version made it",
    ("cli", "commands"): "longer commands have a room of their own",
    ("cli", "testing"): "commands write plugins and migrations, which is the kit of authors",
    ("cli", FACADE): "the version is written there",
    ("testing", "serve"): "servers for tests are started like the real ones",
}
# From a lower floor to a higher one: these lines and no other.
LIFTS = {
    ("core.site.runtime", "core"): "only for the version, which is written in the façade and imports nothing",
    ("core.records.conditions.context", "core.site.reader"): "a condition means days as its reader counts them",
    ("core.records.conditions.wording", "core.site.formats"): "a condition is told in its reader's words and digits",
    ("core.records.conditions.sentence", "core.site.formats"): "a condition is told in its reader's words and digits",
    ("core.records.conditions.sentence", "core.site.reader"): "a Persian noun has no plural after a number",
    ("core.extension.discovery", "plugins"): "only for the path, which the instance's folder of plugins extends",
}
# Beside the façade, what plugins may import.
PROMISED = ("core.records.transfer",)
OWNERS = {
    "flask_admin": ("core.admin", "core.site.translations"),
    "rq": ("core.jobs",),
    "alembic": ("core.database",),
    "gunicorn": ("core.serve",),
    "pluggy": ("core.extension", "core.hookspecs"),
}


class Import(NamedTuple):
    importer: str
    imported: str
    line: int
    at_once: bool
    """Whether importing the importer imports it, and not only calling a function."""


def imports_of(path: Path, root: Path = ROOT) -> list[Import]:
    """Everything the file imports, modules named in full."""
    importer = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(f".{FACADE}")
    return list(_found(importer, ast.parse(path.read_text(encoding="utf-8")), at_once=True))


def _found(importer: str, node: ast.AST, *, at_once: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(importer, alias.name, child.lineno, at_once) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = child.module or ""
            submodules = [f"{module}.{alias.name}" for alias in child.names if _is_module(f"{module}.{alias.name}")]
            yield from (Import(importer, name, child.lineno, at_once) for name in submodules or [module])
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for branch in child.orelse:
                yield from _found(importer, branch, at_once=at_once)
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _found(importer, child, at_once=at_once and not inside)


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else FACADE


CORE = [entry for path in _sources("core") for entry in imports_of(path)]
PLUGIN_FOLDERS = sorted(path.parent for path in ROOT.glob("plugins/*/plugin.toml"))
EXAMPLE_FOLDERS = sorted(path.parent for path in ROOT.glob("examples/*/*/plugin.toml"))


def test_every_room_of_core_has_a_floor():
    rooms = {_room(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in _sources("core")}

    assert rooms - set(FLOOR_OF) == set()


def test_core_imports_only_from_lower_floors():
    wrong = []
    for entry in CORE:
        if not entry.imported.startswith("core") or entry.importer == "core":
            continue
        own, other = _room(entry.importer), _room(entry.imported)
        allowed = own == other or FLOOR_OF[other] < FLOOR_OF[own] or (own, other) in NEIGHBOURS
        if not allowed and (entry.importer, entry.imported) not in LIFTS:
            wrong.append(f"{entry.importer}:{entry.line} imports {entry.imported}")

    assert wrong == []


def test_core_imports_no_plugin():
    wrong = [entry for entry in CORE if entry.imported.split(".")[0] in ("plugins", "examples", "tests", "scripts")]

    assert [entry for entry in wrong if (entry.importer, entry.imported) not in LIFTS] == []


def test_every_exception_is_still_needed():
    pairs = {(_room(entry.importer), _room(entry.imported)) for entry in CORE if entry.imported.startswith("core")}
    lines = {(entry.importer, entry.imported) for entry in CORE}

    assert set(NEIGHBOURS) - pairs == set()
    assert set(LIFTS) - lines == set()


def test_no_two_modules_of_core_need_each_other_to_be_imported():
    needs: dict[str, set[str]] = {}
    for entry in CORE:
        if entry.at_once and entry.imported.startswith("core.") and entry.imported != entry.importer:
            needs.setdefault(entry.importer, set()).add(entry.imported)
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_a_library_with_a_room_of_its_own_stays_there(library):
    users = {entry.importer for entry in CORE if entry.imported.split(".")[0] == library}

    assert [user for user in sorted(users) if not user.startswith(OWNERS[library])] == []


@pytest.mark.parametrize("folder", PLUGIN_FOLDERS + EXAMPLE_FOLDERS, ids=lambda folder: folder.name)
def test_a_plugin_imports_the_facade_and_the_plugins_it_declares(folder):
    manifest = read_manifest(folder)
    root = ROOT if folder in PLUGIN_FOLDERS else folder.parent
    wrong = []
    for path in sorted(folder.rglob("*.py")):
        glue = path.stem if path.parent.name == "glue" else None
        declared = {manifest.name, *manifest.depends, *([glue] if glue in manifest.uses else [])}
        for entry in imports_of(path, root):
            name = entry.imported.split(".")
            inner = name[0] == "core" and entry.imported != "core" and not entry.imported.startswith(PROMISED)
            foreign = name[0] == "plugins" and name[1:] and name[1] not in declared
            if inner or foreign:
                wrong.append(f"{entry.importer}:{entry.line} imports {entry.imported}")

    assert wrong == []


def test_every_name_of_the_facade_leads_somewhere():
    for name in core.__all__:
        assert getattr(core, name) is not None, name


def test_checkers_are_told_the_names_of_the_facade():
    assert facade.STUB.read_text(encoding="utf-8") == facade.stub(), "Run: python -m scripts.facade"


def test_an_unknown_name_is_no_part_of_the_facade():
    with pytest.raises(AttributeError, match="Deal"):
        core.Deal  # noqa: B018


# Who acts as the installation itself, with all rights, and why: each call was looked at, and a new one is too.
ACTING_AS_SYSTEM = {
    "core/accounts/": "nobody is signed in yet, and an account is looked for",
    "core/backup/": "a copy holds everything",
    "core/cli.py": "whoever runs a command owns the installation",
    "core/commands/": "whoever runs a command owns the installation",
    "core/jobs/": "a job of the installation, or the look for who asked for one",
    "core/mail/outbox.py": "a mail goes out whoever caused it",
    "core/notifications/notify.py": "whether others see a record is asked as each of them",
    "core/records/duplicates/": "all records are compared; what is shown is asked as the reader",
    "core/records/events.py": "what happened is told whoever did it",
    "core/records/field_rights.py": "a record is checked and found by the whole of it, and closed again",
    "core/records/operations/batch.py": "an undo of the installation's own work",
    "core/records/privacy/erasing.py": "what the eraser does not see is counted, and keeps him from erasing",
    "core/records/scopes.py": "teams and rules are read, and no records",
    "core/serve/doctor.py": "the installation is looked at as a whole",
    "core/site/": "the Site is put together",
    "core/testing/": "tests prepare what they need",
    "core/web/account_links.py": "the owner of a link is not signed in",
    "core/web/mail_pages.py": "an administrator looks at every mail",
    "core/web/openid.py": "who comes from a provider is not signed in yet",
    "core/web/passkeys.py": "who shows a passkey is not signed in yet",
    "core/web/telling.py": "a job tells others of what they may see",
    "core/web/two_factor.py": "who gives a code is not signed in yet",
    "plugins/activities/reminders.py": "a job reminds everybody of what is his",
    "plugins/sales/rules.py": "deals are counted before a stage is removed, also those one does not see",
    "plugins/sales/services.py": "the deals of a stage that is removed are moved, also those one does not see",
}


def test_nobody_else_acts_as_the_installation() -> None:
    calls = [
        str(path.relative_to(ROOT))
        for path in _sources("core", "plugins", "examples")
        if "tests" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "as_system"
    ]
    assert [call for call in calls if not call.startswith(tuple(ACTING_AS_SYSTEM))] == []
    assert [known for known in ACTING_AS_SYSTEM if not any(call.startswith(known) for call in calls)] == []
