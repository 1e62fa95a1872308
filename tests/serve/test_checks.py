"""What is looked at before anything starts: each mishap is one sentence, without secrets."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from core.config import Config
from core.errors import StartError
from core.serve import checks
from core.serve.roles import serve
from core.testing.servers import PostgresServer, RedisServer

KEY = "b3f09c1d77e24a6f8b5d0e9a4c2f1837"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.load({"PEYVAND_INSTANCE": str(tmp_path / "instance"), "PEYVAND_SECRET_KEY": KEY})


def test_taken_port_is_named(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=f"Port {port} on 127.0.0.1 is taken"):
            checks.check_port("127.0.0.1", port)
    checks.check_port("127.0.0.1", port)


def test_address_of_another_machine_is_refused() -> None:
    with pytest.raises(StartError, match="PEYVAND_HOST"):
        checks.check_port("192.0.2.7", 8000)


def test_full_disk_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="is full"):
        checks.check_instance(tmp_path, least_free=2**60)
    checks.check_instance(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_instance_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "instance").touch()
    with pytest.raises(StartError, match="cannot be written"):
        checks.check_instance(tmp_path / "instance")


def test_file_that_is_no_database_is_told(config: Config) -> None:
    config.instance.mkdir()
    (config.instance / "peyvand.db").write_text("a letter, not a database" * 100)
    with pytest.raises(StartError, match="cannot be opened"):
        checks.check_database(config)


def test_unreachable_database_is_told_without_its_password(config: Config) -> None:
    away = replace(config, database_url="postgresql+psycopg://crm:hush@127.0.0.1:1/crm")
    with pytest.raises(StartError, match=r"The database at 127.0.0.1:1/crm cannot be reached") as caught:
        checks.check_database(away)
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_reachable_database_passes(config: Config, postgres_server: PostgresServer) -> None:
    checks.check_database(config)
    checks.check_database(replace(config, database_url=postgres_server.url))


def test_unreachable_redis_is_told_without_its_password(config: Config) -> None:
    with pytest.raises(StartError, match=r"The Redis at 127.0.0.1:1/0 cannot be reached") as caught:
        checks.check_redis(replace(config, redis_url="redis://:hush@127.0.0.1:1/0"))
    assert "hush" not in str(caught.value)


def test_reachable_redis_passes(config: Config, redis_server: RedisServer) -> None:
    checks.check_redis(replace(config, redis_url=redis_server.url))


def test_role_alone_needs_a_redis(config: Config) -> None:
    with pytest.raises(StartError, match="set PEYVAND_REDIS_URL"):
        serve(config, only="worker")


def test_unknown_role_is_refused(config: Config) -> None:
    with pytest.raises(StartError, match="web, worker, scheduler"):
        serve(config, only="cook")


def test_one_instance_has_one_supervisor(config: Config) -> None:
    with checks.only_supervisor(config), pytest.raises(StartError, match="is being served already, by process"):
        serve(config)
    with checks.only_supervisor(config):
        pass
