"""What the standard theme promises: it covers Flask-Admin, obeys the content policy, and is vendored honestly."""

import base64
import hashlib
import json
import re
from pathlib import Path

import flask_admin
import jinja2
import pytest
from jinja2 import nodes

import core

ROOT = Path(core.__file__).parents[1]
NOVA = ROOT / "themes" / "nova"
TEMPLATES = NOVA / "templates"
VENDOR = ROOT / "core" / "static" / "vendor"
STOCK = Path(flask_admin.__file__).parent / "templates" / "bootstrap4"
# Views of Flask-Admin that we do not ship: its file browser and its Redis console.
NOT_SHIPPED = ("admin/file/", "admin/rediscli/")
CSS_BUDGET = 45_000
PARSER = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))


def blocks_and_macros(path: Path) -> tuple[set[str], dict[str, list[str]]]:
    tree = PARSER.parse(path.read_text(encoding="utf-8"))
    macros = {macro.name: [argument.name for argument in macro.args] for macro in tree.find_all(nodes.Macro)}
    return {block.name for block in tree.find_all(nodes.Block)}, macros


@pytest.mark.parametrize("name", [name for name in names(STOCK) if not name.startswith(NOT_SHIPPED)])
def test_a_flask_admin_template_keeps_its_blocks_and_macros(name: str) -> None:
    blocks, macros = blocks_and_macros(STOCK / name)
    our_blocks, our_macros = blocks_and_macros(TEMPLATES / name)
    # Its dialog script has no counterpart: the page's own script fills the dialog.
    assert blocks - our_blocks <= ({"tail"} if "/modals/" in name else set())
    assert macros.keys() <= our_macros.keys()
    for macro, arguments in macros.items():
        assert our_macros[macro] == arguments, macro


@pytest.mark.parametrize("name", names(TEMPLATES))
def test_a_template_needs_no_inline_script_and_no_other_host(name: str) -> None:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    assert not re.search(r"\s(style|on[a-z]+)=|javascript:|https?://", text)
    for script in re.findall(r"<script[^>]*>", text):
        assert " src=" in script or 'type="application/json"' in script


@pytest.mark.parametrize("name", [name for name in names(TEMPLATES) if name.startswith("nova/")])
def test_a_screen_template_begins_with_what_it_needs(name: str) -> None:
    assert (TEMPLATES / name).read_text(encoding="utf-8").startswith("{#")


def test_icons_named_by_templates_are_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "icons.svg").read_text(encoding="utf-8")))
    sources = [*TEMPLATES.rglob("*.html"), *(NOVA / "static" / "js").glob("*.js")]
    used = {
        icon
        for path in sources
        for icon in re.findall(r"""(?:nv_icon|\bicon)\(['"]([a-z0-9-]+)['"]""", path.read_text(encoding="utf-8"))
    }
    assert used
    assert used <= sprite


def test_style_sheets_serve_both_directions() -> None:
    physical = re.compile(r"[;{\s](?:(?:margin|padding|border)-(?:left|right)|left|right)\b\s*:")
    for sheet in (NOVA / "static").glob("*.css"):
        assert not physical.search(sheet.read_text(encoding="utf-8")), sheet.name


def test_style_sheets_of_a_page_stay_within_their_budget() -> None:
    sizes = {sheet.name: sheet.stat().st_size for sheet in (NOVA / "static").glob("*.css")}
    base = sizes.pop("nova.css") + sizes.pop("screens.css")
    # A page loads the base and at most one sheet of its own.
    assert base + max(sizes.values(), default=0) <= CSS_BUDGET


def test_vendored_files_are_the_ones_of_the_manifest() -> None:
    manifest = json.loads((VENDOR / "VENDOR.json").read_text(encoding="utf-8"))
    listed = {name: entry["integrity"] for package in manifest.values() for name, entry in package["files"].items()}
    found = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert found == listed.keys() | {"VENDOR.json", "THIRD_PARTY_NOTICES.txt"}
    for name, integrity in listed.items():
        digest = hashlib.sha384((VENDOR / name).read_bytes()).digest()
        assert integrity == f"sha384-{base64.b64encode(digest).decode()}", name


def test_notices_name_every_vendored_package() -> None:
    notices = (VENDOR / "THIRD_PARTY_NOTICES.txt").read_text(encoding="utf-8")
    for package, entry in json.loads((VENDOR / "VENDOR.json").read_text(encoding="utf-8")).items():
        assert f"==== {package} {entry['version']} ({entry['license']}) ====" in notices


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((ROOT / "frontend" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all("resolved" not in package for package in packages.values())
