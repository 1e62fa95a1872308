"""What an installation is configured with."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import core.config
from core.config import LONGEST_SOCKET_PATH, SETTINGS, Config
from core.errors import ConfigError

KEY = "b3f09c1d77e24a6f8b5d0e9a4c2f1837"


def load(instance: Path, **variables: str) -> Config:
    return Config.load({"PEYVAND_INSTANCE": str(instance), **variables})


def test_defaults_are_embedded(tmp_path: Path) -> None:
    config = load(tmp_path / "instance")
    assert config.is_sqlite
    assert config.database_url == f"sqlite:///{tmp_path}/instance/peyvand.db"
    assert config.own_redis
    assert (config.host, config.port, config.web_workers, config.web_threads) == ("127.0.0.1", 8000, 2, 4)
    assert (config.safe, config.strict, config.trusted_proxies) == (False, False, 0)
    assert config.public_url == "http://127.0.0.1:8000"
    assert config.uploads == tmp_path / "instance" / "uploads"


def test_instance_is_in_the_current_folder_unless_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Config.load({}).instance == tmp_path / "instance"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_by_psycopg(tmp_path: Path, scheme: str) -> None:
    config = load(tmp_path, PEYVAND_DATABASE_URL=f"{scheme}://crm:p%40ss@db.lan:5433/crm?sslmode=require")
    assert config.database_url == "postgresql+psycopg://crm:p%40ss@db.lan:5433/crm?sslmode=require"
    assert not config.is_sqlite


def test_relative_sqlite_path_is_the_same_in_each_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(tmp_path, PEYVAND_DATABASE_URL="sqlite:///crm.db").database_url == f"sqlite:///{tmp_path}/crm.db"
    assert load(tmp_path, PEYVAND_DATABASE_URL="sqlite:////srv/crm.db").database_url == "sqlite:////srv/crm.db"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PEYVAND_DATABASE_URL", "mysql://db/crm"),
        ("PEYVAND_DATABASE_URL", "sqlite://"),
        ("PEYVAND_DATABASE_URL", "sqlite:///:memory:"),
        ("PEYVAND_REDIS_URL", "http://redis"),
        ("PEYVAND_PORT", "0"),
        ("PEYVAND_PORT", "65536"),
        ("PEYVAND_PORT", "8OOO"),
        ("PEYVAND_PORT", "۸۰۰۰"),
        ("PEYVAND_PORT", "9" * 40),
        ("PEYVAND_WEB_WORKERS", "-1"),
        ("PEYVAND_WEB_THREADS", "0"),
        ("PEYVAND_SAFE", "maybe"),
        ("PEYVAND_PUBLIC_URL", "crm.company.com"),
        ("PEYVAND_PUBLIC_URL", "https://someone@crm.company.com"),
        ("PEYVAND_PUBLIC_URL", "https://crm.company.com:port"),
        ("PEYVAND_TRUSTED_PROXIES", "*"),
        ("PEYVAND_SECRET_KEY", "short"),
        ("PEYVAND_SECRET_KEY", "a" * 64),
        ("PEYVAND_SECRET_KEY", "changeme-0123456789-0123456789-0123456789"),
    ],
)
def test_bad_value_is_refused_by_name_before_anything_is_written(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load(tmp_path / "instance", **{name: value})
    assert not (tmp_path / "instance").exists()


def test_misspelt_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PEYVAND_PROT"):
        load(tmp_path, PEYVAND_PROT="8001")


@pytest.mark.parametrize(("text", "value"), [("1", True), ("YES", True), ("on", True), ("0", False), ("", False)])
def test_switches_take_the_usual_words(tmp_path: Path, text: str, value: bool) -> None:
    assert load(tmp_path, PEYVAND_STRICT=text).strict is value


def test_secret_key_is_generated_once_for_its_owner_alone(tmp_path: Path) -> None:
    first, second = load(tmp_path), load(tmp_path)
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) == 64
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    load(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert load(tmp_path / "other").secret_key != first.secret_key


def test_processes_starting_together_agree_on_the_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: load(tmp_path / "instance").secret_key, range(64)))
    assert len(keys) == 1
    assert [path.name for path in (tmp_path / "instance").iterdir()] == ["secret_key"]


def test_given_secret_key_is_used_and_not_stored(tmp_path: Path) -> None:
    assert load(tmp_path / "instance", PEYVAND_SECRET_KEY=KEY).secret_key == KEY.encode()
    assert not (tmp_path / "instance").exists()


def test_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load(tmp_path)
    (tmp_path / "secret_key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load(tmp_path)


def test_instance_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="secret key"):
        load(tmp_path / "file" / "instance")


def test_child_process_loads_the_same(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        PEYVAND_PORT="8100",
        PEYVAND_SAFE="1",
        PEYVAND_REDIS_URL="redis://queue.lan/2",
        PEYVAND_PUBLIC_URL="https://crm.company.com/",
    )
    assert Config.load(config.environment()) == config


def test_secrets_do_not_show_in_logs(tmp_path: Path) -> None:
    config = load(tmp_path, PEYVAND_SECRET_KEY=KEY, PEYVAND_DATABASE_URL="postgres://crm:hush@db/crm")
    assert KEY not in repr(config)
    assert "hush" not in repr(config)


def test_redis_socket_path_fits_the_kernel_however_deep_the_instance_lies(tmp_path: Path) -> None:
    shallow = load(Path("/srv/crm"), PEYVAND_SECRET_KEY=KEY)
    deep = load(tmp_path / ("d" * 120))
    assert shallow.redis_socket == Path("/srv/crm/run/redis.sock")
    assert len(str(deep.redis_socket)) <= LONGEST_SOCKET_PATH
    assert deep.redis_socket == load(tmp_path / ("d" * 120)).redis_socket
    assert deep.redis_socket != load(tmp_path / ("e" * 120)).redis_socket


def test_redis_location_is_the_outside_one_when_given(tmp_path: Path) -> None:
    assert load(tmp_path, PEYVAND_REDIS_URL="redis://queue.lan").redis_location == "redis://queue.lan"
    embedded = load(Path("/srv/our crm"), PEYVAND_SECRET_KEY=KEY)
    assert embedded.redis_location == "unix:///srv/our%20crm/run/redis.sock"


def test_docstring_lists_every_setting() -> None:
    documented = [line.split()[0] for line in (core.config.__doc__ or "").splitlines() if line.startswith("PEYVAND_")]
    assert documented == [setting.name for setting in SETTINGS]
