"""The documents say what the code does: names, settings, commands, links and quoted sentences are compared with it."""

from __future__ import annotations

import ast
import configparser
import importlib
import inspect
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

import core
from core import hookspecs, parts
from core.cli import main
from core.config import SETTINGS
from core.extension.hooks import Hooks
from core.web import hooks as core_hooks

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = tuple(
    sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
)
KIND = re.compile(r"# --- (\w+):")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
COMMAND = re.compile(r"^(?:\$ |[A-Z_]+=\S+ )*(?:\S*/)?(peyvand .*)$")
PLACEHOLDER = re.compile("[A-Z][A-Z_-]*")
DOTTED = re.compile(r"((?:core|plugins)(?:\.\w+)+)(?:\(\))?")
MODULE = re.compile(r"(?:core|plugins|themes|tests|scripts|frontend|examples|docs)/[\w./-]*")
GAP = "…"
"""Stands in a quoted sentence for what differs each time."""

COLLECTED = {
    "permissions": parts.Permission,
    "screens": parts.Screen,
    "menu_items": parts.MenuItem,
    "commands": parts.Command,
    "dashboard_cards": parts.Card,
    "jobs": parts.Job,
    "schedules": parts.Schedule,
}


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def section(text: str, title: str) -> str:
    """What stands below the heading ``title``, up to the next one of the same depth or above."""
    match = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert match, f"There is no heading {title!r}."
    rest = text[match.end() :]
    end = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in ``text``, without their heads."""
    found: list[list[str]] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith("|") and not set(line) <= set("|-: ") and not (below and set(below) <= set("|-: ")):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


# --- hooks


def specified_hooks() -> dict[str, tuple[str, list[str]]]:
    """Every hook with its kind and arguments, as ``core/hookspecs.py`` has them."""
    kind, found = "", {}
    for line in inspect.getsource(hookspecs).splitlines():
        if match := KIND.match(line):
            kind = match[1]
        elif line.startswith("def "):
            name = line.removeprefix("def ").partition("(")[0]
            found[name] = (kind, list(inspect.signature(getattr(hookspecs, name)).parameters))
    return found


def documented_hooks() -> dict[str, str]:
    """The section of every hook in ``docs/hooks.md``."""
    text = text_of(ROOT / "docs" / "hooks.md")
    return {title: section(text, title) for title in re.findall(r"^### (\w+)$", text, re.MULTILINE)}


def hook_files() -> Iterator[tuple[str, bool, Path]]:
    """Plugin, whether it is shipped, and a module that implements hooks for it."""
    yield "core", True, ROOT / "core" / "web" / "hooks.py"
    for manifest in sorted([*ROOT.glob("plugins/*/plugin.toml"), *ROOT.glob("examples/*/*/plugin.toml")]):
        folder = manifest.parent
        name = re.search(r'^name = "(\w+)"', text_of(manifest), re.MULTILINE)
        assert name, f"{manifest} has no name."
        for path in (folder / "hooks.py", *sorted(folder.glob("glue/*.py"))):
            if path.is_file():
                yield name[1], folder.is_relative_to(ROOT / "plugins"), path


@cache
def hook_users() -> dict[str, dict[str, bool]]:
    """Who implements each hook, and whether that plugin is shipped; read without importing anything."""
    users: dict[str, dict[str, bool]] = {}
    for plugin, shipped, path in hook_files():
        for node in ast.parse(text_of(path)).body:
            if isinstance(node, ast.FunctionDef) and any("hookimpl" in ast.unparse(d) for d in node.decorator_list):
                users.setdefault(node.name, {})[plugin] = shipped
    return users


HOOKS = specified_hooks()


def test_every_hook_and_no_other_is_documented() -> None:
    assert list(documented_hooks()) == list(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_is_documented_with_its_signature_and_kind(hook: str) -> None:
    kind, arguments = HOOKS[hook]
    described = documented_hooks()[hook]
    assert f"`{hook}({', '.join(arguments)})` · {kind}" in described
    for word in ("**Called:**", "**Result:**", "**On failure:**", "**Used by:**"):
        assert word in described, f"{hook} does not say {word}"


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_is_used_by_whom_the_document_names(hook: str) -> None:
    match = re.search(r"\*\*Used by:\*\* (.+)", documented_hooks()[hook])
    assert match
    named = set() if match[1] == "nobody yet." else set(re.split(r",\s*|\s+and\s+", match[1].rstrip(".")))
    assert named == set(hook_users().get(hook, {}))


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_has_a_user_that_is_shipped(hook: str) -> None:
    shipped = [plugin for plugin, ours in hook_users().get(hook, {}).items() if ours]
    assert shipped, f"Nothing that is shipped uses {hook}; a hook comes with its first user."


@pytest.mark.parametrize("hook", HOOKS)
def test_example_of_hook_registers(hook: str) -> None:
    examples = [code for language, code in FENCE.findall(documented_hooks()[hook]) if language == "python"]
    assert len(examples) == 1, f"{hook} wants one example."
    module = ModuleType(f"example_{hook}")
    exec(compile(examples[0], f"docs/hooks.md ({hook})", "exec"), module.__dict__)  # noqa: S102 - our own document
    hooks = Hooks()
    hooks.register("fleet", module)
    assert hooks.implements(hook)
    if hook in COLLECTED:
        (answer,) = hooks.only("fleet", hook, **({"site": parts.SiteInfo(generation=1)} if HOOKS[hook][1] else {}))
        assert answer
        assert all(isinstance(part, COLLECTED[hook]) for part in answer)


# --- settings and dependencies


def test_settings_are_documented_in_the_same_words() -> None:
    documented = rows(section(text_of(ROOT / "docs" / "administration.md"), "Settings"))
    assert documented == [[f"`{name}`", default, meaning] for name, default, meaning in SETTINGS]


def _distribution(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9_.-]+", requirement.strip())
    assert match, requirement
    return match[0]


def _required() -> dict[str, list[str]]:
    """The names of what is depended upon, by the heading under which ``docs/dependencies.md`` explains it."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    frontend = json.loads(text_of(ROOT / "frontend" / "package.json"))
    wanted = {
        "To run": setup["options"]["install_requires"].strip().splitlines(),
        "To test": setup["options.extras_require"]["test"].strip().splitlines(),
    }
    names = {title: [_distribution(line) for line in lines] for title, lines in wanted.items()}
    return {**names, "In the browser": [*frontend.get("dependencies", {}), *frontend.get("devDependencies", {})]}


@pytest.mark.parametrize("title", ["To run", "To test", "In the browser"])
def test_every_dependency_and_no_other_has_its_reason(title: str) -> None:
    explained = rows(section(text_of(ROOT / "docs" / "dependencies.md"), title))
    assert sorted(name.strip("`") for name, _why in explained) == sorted(_required()[title])
    assert all(why.endswith(".") for _name, why in explained)


# --- commands


def mentioned_commands(path: Path) -> Iterator[str]:
    """Every ``peyvand …`` of a document, from its blocks of commands and its code in the line."""
    text = text_of(path)
    for language, block in FENCE.findall(text):
        if language in ("", "sh", "bash", "console"):
            yield from (match[1] for line in block.splitlines() if (match := COMMAND.match(line.strip())))
    for span in SPAN.findall(FENCE.sub("", text)):
        if match := COMMAND.match(span.strip()):
            yield match[1]


def check_command(line: str) -> None:
    """Walk a command line through the command's own declaration.

    Raises:
        ValueError: a command, an option or a choice does not exist, or there are too many arguments.
    """
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = main
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    if isinstance(command, click.Group) and words and not words[0].startswith("-") and words[0] != GAP:
        raise ValueError(f"there is no command {words[0]!r}")
    context = click.Context(command)
    params = command.get_params(context)
    options = {name: param for param in params if isinstance(param, click.Option) for name in param.opts}
    arguments = [param for param in params if isinstance(param, click.Argument)]
    while words:
        word = words.pop(0)
        if word in (GAP, "|", "&&", ">"):
            return
        if word.startswith("-"):
            name, _equals, value = word.partition("=")
            if name not in options:
                raise ValueError(f"there is no option {name}")
            if not options[name].is_flag and not value:
                value = words.pop(0) if words else ""
            _check_value(options[name], value)
        elif not arguments:
            raise ValueError(f"it takes no argument {word!r}")
        else:
            _check_value(arguments.pop(0), word)


def _check_value(param: click.Parameter, value: str) -> None:
    if isinstance(param.type, click.Choice) and not PLACEHOLDER.fullmatch(value) and value not in param.type.choices:
        raise ValueError(f"{value!r} is none of {', '.join(param.type.choices)}")


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_command_mentioned_exists(path: Path) -> None:
    wrong = []
    for line in mentioned_commands(path):
        try:
            check_command(line)
        except ValueError as error:
            wrong.append(f"{line}: {error}")
    assert wrong == []


@pytest.mark.parametrize(
    "line", ["peyvand sreve", "peyvand serve --onyl web", "peyvand serve --only x", "peyvand init x"]
)
def test_command_that_does_not_exist_is_found(line: str) -> None:
    with pytest.raises(ValueError, match="there is no|is none of|takes no"):
        check_command(line)


def test_every_command_is_listed_for_administrators() -> None:
    listed = section(text_of(ROOT / "docs" / "administration.md"), "The command line")
    missing = [path for path in _commands(main, "peyvand") if f"`{path}" not in listed]
    assert missing == []


def _commands(group: click.Group, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_target_of_make_mentioned_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    text = text_of(path)
    code = [*SPAN.findall(text), *(line for _language, block in FENCE.findall(text) for line in block.splitlines())]
    mentioned = {match[1] for line in code if (match := re.match(r"(?:\S+=\S+ )*make ([a-z]+)\b", line.strip()))}
    assert mentioned - targets == set()


# --- links and names


def _anchor(heading: str) -> str:
    """The fragment that a heading gets on the usual hosts."""
    plain = re.sub(r"[`*]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", text_of(path))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _hash, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        headings = HEADING.findall(FENCE.sub("", text_of(file))) if anchor and file.is_file() else []
        if not file.exists() or (anchor and anchor not in map(_anchor, headings)):
            broken.append(target)
    assert broken == []


def _resolve(dotted: str) -> Any:
    """What a dotted name means.

    Raises:
        AttributeError: nothing.
    """
    found: Any = None
    for length in range(1, len(names := dotted.split(".")) + 1):
        try:
            found = importlib.import_module(".".join(names[:length]))
        except ModuleNotFoundError:
            for name in names[length - 1 :]:
                fields = getattr(found, "__dataclass_fields__", {})
                found = fields[name] if name in fields else getattr(found, name)
            return found
    return found


def _declared_names() -> set[str]:
    """Dotted names that are no Python: the core's own permissions and jobs."""
    permissions, jobs = core_hooks.permissions(), core_hooks.jobs()
    return {part.name for part in permissions} | {job.name for job in jobs}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_name_of_the_code_exists(path: Path) -> None:
    wrong = []
    for span in SPAN.findall(FENCE.sub("", text_of(path))):
        if (match := DOTTED.fullmatch(span)) and match[1] not in _declared_names():
            try:
                _resolve(match[1])
            except AttributeError:
                wrong.append(span)
        elif MODULE.fullmatch(span) and not (ROOT / span).exists():
            wrong.append(span)
    assert wrong == []


def test_floors_name_every_module_of_the_core() -> None:
    floors = section(text_of(ROOT / "docs" / "architecture.md"), "The floors")
    named = set(SPAN.findall(floors))
    modules = [path for path in ROOT.glob("core/**/*.py") if path.stem != "__init__" and "migrations" not in path.parts]
    missing = [name_of(path) for path in modules if path.stem not in named]
    assert missing == []


# --- quoted sentences and labels


@cache
def said() -> frozenset[str]:
    """Every text in the code, with a gap for what is filled in when it runs."""
    texts = set()
    for path in (*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/**/*.py")):
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.JoinedStr):
                texts.add("".join(p.value if isinstance(p, ast.Constant) else GAP for p in node.values))  # type: ignore[misc]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(re.sub(r"%\(\w+\)[sd]|%[sdg]", GAP, node.value))
    for path in (*ROOT.glob("core/**/*.html"), *ROOT.glob("plugins/**/*.html"), *ROOT.glob("themes/**/*.html")):
        found: Sequence[tuple[str, str]] = re.findall(r"_\((['\"])(.*?)\1", text_of(path))
        texts |= {re.sub(r"%\(\w+\)[sd]", GAP, text) for _quote, text in found}
    return frozenset(texts)


def test_sentences_of_troubleshooting_are_those_the_program_prints() -> None:
    table = rows(section(text_of(ROOT / "docs" / "administration.md"), "Troubleshooting"))
    quoted = [sentence.strip("`") for sentence, _advice in table]
    assert len(quoted) > 10
    assert [sentence for sentence in quoted if not any(sentence in text for text in said())] == []


@pytest.mark.parametrize("name", ["README.md", "docs/user-guide.md"])
def test_labels_in_bold_are_on_the_screen(name: str) -> None:
    labels = set(re.findall(r"\*\*([^*\n]+)\*\*", text_of(ROOT / name)))
    assert labels
    assert sorted(labels - said()) == []


# --- news


def test_changelog_has_an_entry_for_this_version() -> None:
    entry = re.compile(rf"^## {re.escape(core.__version__)} \((unreleased|\d{{4}}-\d\d-\d\d)\)$", re.MULTILINE)
    assert entry.search(text_of(ROOT / "CHANGELOG.md"))


def test_licence_is_the_one_the_metadata_names() -> None:
    assert text_of(ROOT / "LICENSE").startswith("MIT License")


# --- promises


def test_every_test_that_holds_a_promise_is_there() -> None:
    named = set(re.findall(r"`(tests/[^`]*)`", text_of(ROOT / "docs" / "security.md")))
    assert len(named) > 10
    assert sorted(path for path in named if not (ROOT / path).exists()) == []
