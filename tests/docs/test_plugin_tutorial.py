"""The tutorial, followed to the letter: every file is written, every command run, every page looked at."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = (ROOT / "docs" / "plugin-tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"^```(?P<language>\w+)(?: (?P<path>tickets/\S+)(?: \((?P<where>[^)]+)\))?)?\n(?P<text>.*?)^```$", re.M | re.S
)
PATIENCE = 300  # seconds for one command on a busy machine

pytestmark = pytest.mark.timeout(900)

LOOK = """
from core.config import Config
from core.site.runtime import Runtime
from core.testing.installation import TestInstallation

site = TestInstallation(config := Config.load(), Runtime(config))
browser = site.browser("user")
browser.get("/tickets/ticket/new")
made = browser.post("/tickets/ticket/new", data={"subject": "Nothing prints", "urgency": "normal", "state": "new"})
assert made.status_code == 302, made.get_data(as_text=True)
refused = browser.post("/tickets/ticket/new", data={"subject": "Fire", "urgency": "urgent", "state": "new"})
assert "An urgent ticket needs a customer." in refused.get_data(as_text=True)
for language, words in {"en": ("Tickets", "Due", "Nothing prints"), "fa": ("تیکت‌ها", "مهلت", "Nothing prints")}.items():
    for address in ("/tickets/ticket/", "/tickets/ticket/board", "/tickets/ticket/1"):
        answer = browser.get(address, headers={"Accept-Language": language})
        assert answer.status_code == 200, address
    page = browser.get("/tickets/ticket/", headers={"Accept-Language": language}).get_data(as_text=True)
    for word in words:
        assert word in page, (language, word)
print("all pages are as they should be")
"""


class Command(NamedTuple):
    """A command of the tutorial: what it should say and what it said."""

    words: tuple[str, ...]
    promised: list[str]
    said: str
    status: int


class Followed(NamedTuple):
    """Where the tutorial was followed, and what its commands said."""

    folder: Path
    environment: dict[str, str]
    commands: list[Command]

    def run(self, *words):
        """Run a command there."""
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return done.stdout + done.stderr, done.returncode


@pytest.fixture(scope="module")
def followed(tmp_path_factory, redis_server):
    """A folder in which somebody did what the tutorial says, from the first line to the last."""
    folder = tmp_path_factory.mktemp("tutorial")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PEYVAND_", "PYTEST_"))}
    environment |= {"PYTHONPATH": str(ROOT), "PEYVAND_REDIS_URL": redis_server.url}
    reader = Followed(folder, environment, [])
    for block in BLOCK.finditer(TUTORIAL):
        if block["path"]:
            _write(folder / "instance" / "plugins" / block["path"], block["text"], block["where"])
        elif block["language"] == "console":
            _run_commands(reader, block["text"])
    return reader


def _write(path, text, where):
    path.parent.mkdir(parents=True, exist_ok=True)
    if where == "at the end":
        text = f"{path.read_text(encoding='utf-8')}\n\n{text}"
    elif where == "in the class":
        text = _follow_the_sentence_below(path, text)
    path.write_text(text, encoding="utf-8")


def _follow_the_sentence_below(models, field):
    """What section 9 asks for in words: the field, an import, two names in the screen, and the version."""
    hooks, manifest = models.with_name("hooks.py"), models.with_name("plugin.toml")
    screen = hooks.read_text(encoding="utf-8")
    hooks.write_text(screen.replace('"urgency", "state", ', '"urgency", "state", "due", ', 2), encoding="utf-8")
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("1.0.0", "1.1.0"), encoding="utf-8")
    source = models.read_text(encoding="utf-8")
    source = source.replace("import sqlalchemy", "import datetime as dt\n\nimport sqlalchemy", 1)
    story = next(line for line in source.splitlines(keepends=True) if line.startswith("    story:"))
    return source.replace(story, story + field)


def _run_commands(reader, text):
    for entry in re.split(r"^\$ ", text, flags=re.M)[1:]:
        line, *promised = entry.splitlines()
        words = tuple(shlex.split(line))
        if words[1:3] == ("-m", "pip"):
            continue  # the test environment has it
        program = (sys.executable,) if words[0] == "python" else (sys.executable, "-m", "core.cli")
        said, status = reader.run(*program, *words[1:])
        reader.commands.append(Command(words, promised, said, status))


def test_every_command_says_what_the_tutorial_says(followed):
    assert len(followed.commands) == 12
    for command in followed.commands:
        assert command.status == 0, f"{' '.join(command.words)}\n{command.said}"
        for line in command.promised:
            assert line in command.said, f"{' '.join(command.words)}\n{command.said}"


def test_the_pages_are_there_in_both_languages(followed):
    said, status = followed.run(sys.executable, "-c", LOOK)

    assert status == 0, said
    assert "all pages are as they should be" in said


def test_the_second_migration_makes_what_the_models_say(followed):
    suite = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "core.testing.conformance")
    only = ("--plugin-conformance", "instance/plugins/tickets", "-k", "what_its_models_say")
    said, status = followed.run(sys.executable, *suite, *only)

    assert status == 0, said


def test_every_block_of_code_says_in_which_file_it_belongs():
    languages = {block["language"] for block in BLOCK.finditer(TUTORIAL) if not block["path"]}

    assert languages == {"console"}
    assert len(list(BLOCK.finditer(TUTORIAL))) == TUTORIAL.count("```") / 2
