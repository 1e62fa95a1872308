"""The quickstart of docs/api.md works as it stands there, and its tables are those of the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from core.testing.installation import TestInstallation
from tests.api.conftest import Program

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
COMMANDS = [block.replace("\\\n", " ") for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)]
BARE = frozenset({"-G"})  # options of curl without a value


def curl(program: Program, command: str) -> tuple[int, object]:
    """What the server answers to a command of curl."""
    words = iter(shlex.split(command.replace("$TOKEN", program.secret)))
    assert next(words) == "curl"
    method, headers, data, url, get = "GET", {}, [], "", False
    for word in words:
        value = "" if word in BARE or not word.startswith("-") else next(words)
        if word == "-H":
            name, _colon, text = value.partition(": ")
            headers[name] = text
        elif word == "-X":
            method = value
        elif word == "-G":
            get = True
        elif word in ("-d", "--data-urlencode"):
            data.append(value)
        else:
            url = word
    path, sent = urlsplit(url).path, None
    if get:
        path += "?" + urlencode([tuple(entry.split("=", 1)) for entry in data])
    elif data:
        method, sent = ("POST" if method == "GET" else method), "".join(data)
    answer = program.client.open(path, method=method, headers=headers, data=sent)
    return answer.status_code, answer.get_json()


def test_the_quickstart_works(crm: TestInstallation) -> None:
    program = Program(crm, "user")
    types, made, found, changed = (curl(program, command) for command in COMMANDS)
    assert types[0] == 200
    assert (made[0], made[1]["name"]) == (201, "Karimi & Sons")
    assert (found[0], [entry["id"] for entry in found[1]["data"]]) == (200, [made[1]["id"]])
    assert (changed[0], changed[1]["city"]) == (200, "Yazd")


def test_every_address_is_listed(crm: TestInstallation) -> None:
    places = {"<record_type>": "TYPE", "<number>": "ID", "<field>": "FIELD"}
    addresses = set()
    for rule in crm.site.app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/"):
            addresses.add(re.sub("<[^>]+>", lambda place: places[place[0]], rule.rule.removeprefix("/api/v1")))
    assert set(re.findall(r"^\| `(/[^`]*)` \|", TEXT, re.MULTILINE)) == addresses
