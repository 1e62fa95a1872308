"""`peyvand plugin new` writes a plugin that installs, runs and passes its tests."""

import pytest

from core.errors import PluginError
from core.testing.scaffold import write_plugin
from tests.examples.conftest import install


@pytest.fixture(scope="module")
def parking(tmp_path_factory):
    """The folder of a new plugin called `parking_lot`, and one where it is installed."""
    folder = tmp_path_factory.mktemp("new")
    write_plugin("parking_lot", folder)
    source = folder / "peyvand-parking-lot"
    target = tmp_path_factory.mktemp("site-packages")
    install(source, target)
    return source, target


def test_the_command_tells_what_it_wrote(run, tmp_path):
    done = run("-m", "core.cli", "plugin", "new", "library", "--into", tmp_path, path=tmp_path)

    assert done.returncode == 0, done.stderr
    written = [line.strip() for line in done.stdout.splitlines()]
    assert str(tmp_path / "peyvand-library" / "peyvand_library" / "plugin.toml") in written
    assert all(not line or (tmp_path / line).is_file() for line in written)


@pytest.mark.parametrize("name", ["core", "admin", "Fleet", "my-plugin", "1st", "core_extra", "contacts", "../x", ""])
def test_a_name_that_no_plugin_may_have_is_refused(tmp_path, name):
    with pytest.raises(PluginError):
        write_plugin(name, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_stays(tmp_path):
    (tmp_path / "peyvand-library").mkdir()
    (tmp_path / "peyvand-library" / "mine.txt").write_text("years of work")

    with pytest.raises(PluginError, match="nothing was written"):
        write_plugin("library", tmp_path)

    assert [path.name for path in (tmp_path / "peyvand-library").iterdir()] == ["mine.txt"]


@pytest.mark.timeout(600)
def test_its_tests_pass(run, parking):
    source, target = parking

    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", path=target, cwd=source)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


@pytest.mark.timeout(600)
def test_it_keeps_to_what_every_plugin_must_keep_to(run, parking):
    source, target = parking

    suite = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--plugin-conformance", "parking_lot")
    done = run(*suite, path=target, cwd=source)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 passed" in done.stdout


def test_it_is_written_in_good_style(run, parking):
    source, target = parking

    done = run("-m", "ruff", "check", "--line-length", "120", "--select", "E,W,F,B,UP,SIM", source, path=target)

    assert done.returncode == 0, done.stdout
