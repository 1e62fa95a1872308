"""What a plugin may say of itself."""

from pathlib import Path

import pytest

from core.errors import PluginError
from core.extension.discovery import discover
from core.extension.manifest import parse_manifest, read_manifest

GOOD = {"name": "geo", "title": "Geo", "version": "1.0.0"}


def test_a_small_manifest_is_enough() -> None:
    manifest = parse_manifest(GOOD, "geo")
    assert (manifest.name, str(manifest.version), manifest.depends) == ("geo", "1.0.0", {})


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": "Geo"}, "lower-case"),
        ({"name": "core"}, "keeps for itself"),
        ({"name": "core_extras"}, "keeps for itself"),
        ({"name": None}, "lower-case"),
        ({"version": "new"}, "no version number"),
        ({"core": "one"}, "no version range"),
        ({"depends": ["contacts"]}, "must be a table"),
        ({"depends": {"contacts": "=> 1"}}, "no version range"),
        ({"title": ""}, "title is missing"),
        ({"title": 3}, "must be text"),
        ({"autoload": True}, "mean nothing: autoload"),
    ],
)
def test_a_bad_manifest_is_refused_with_the_reason(change: dict[str, object], word: str) -> None:
    with pytest.raises(PluginError, match=word):
        parse_manifest({**GOOD, **change}, "geo")


def test_broken_toml_names_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "geo"
    folder.mkdir()
    (folder / "plugin.toml").write_text("name = ")
    with pytest.raises(PluginError) as error:
        read_manifest(folder)
    assert error.value.plugin == "geo"


def test_an_unreadable_plugin_is_listed_beside_the_others(tmp_path: Path) -> None:
    for name, text in (("odd_one", "name = "), ("fine_one", 'name = "fine_one"\ntitle = "Fine"\nversion = "1"')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plugin.toml").write_text(text)
    found = discover(tmp_path)
    assert found["fine_one"].error is None
    assert found["odd_one"].manifest is None
    assert "cannot be read" in (found["odd_one"].error or "")
    assert found["contacts"].origin == "bundled"


def test_a_folder_cannot_take_the_name_of_a_bundled_plugin(tmp_path: Path) -> None:
    (tmp_path / "contacts").mkdir()
    (tmp_path / "contacts" / "plugin.toml").write_text('name = "contacts"\ntitle = "Mine"\nversion = "9"')
    found = discover(tmp_path)
    assert found["contacts"].origin == "bundled"
    assert "not used" in (found["contacts@instance"].error or "")
