"""The Redis an installation runs for itself."""

import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from core.errors import StartError
from core.serve import redis_server
from core.testing.servers import RedisServer


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name; pytest's own may not."""
    folder = Path(tempfile.mkdtemp(prefix="peyvand-"))
    yield folder
    shutil.rmtree(folder)


def test_it_listens_on_no_tcp_port(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        process = psutil.Process(int(client.info("server")["process_id"]))
    assert process.net_connections(kind="inet") == []


def test_only_its_user_can_reach_the_socket(server: RedisServer) -> None:
    socket = Path(server.url.removeprefix("unix://"))
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


def test_it_refuses_rather_than_forgets(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.set("job", "kept")
        client.config_set("maxmemory", "1mb")
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("another", "x" * 2_000_000)
        assert client.get("job") == "kept"


def test_acknowledged_writes_survive_a_kill(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        for number in range(500):
            client.rpush("queue", number)
    server.kill()
    assert not redis_server.answers(server.url)
    server.start()
    with redis.Redis.from_url(server.url) as client:
        assert client.llen("queue") == 500


def test_odd_characters_in_the_path_of_the_data_are_kept(short_folder: Path) -> None:
    command = redis_server.command(short_folder / "s", short_folder / "نمونه \"one\" 'two'")
    assert f"{short_folder}/نمونه \"one\" 'two'" in command


def test_folder_of_someone_else_is_refused(short_folder: Path) -> None:
    (short_folder / "elsewhere").mkdir()
    (short_folder / "run").symlink_to(short_folder / "elsewhere")
    with pytest.raises(StartError, match="belongs to someone else"):
        redis_server.prepare(short_folder / "run" / "redis.sock", short_folder / "redis")


def test_folder_that_was_open_is_closed(short_folder: Path) -> None:
    (short_folder / "run").mkdir(mode=0o755)
    redis_server.prepare(short_folder / "run" / "redis.sock", short_folder / "redis")
    assert stat.S_IMODE((short_folder / "run").stat().st_mode) == 0o700
    assert stat.S_IMODE((short_folder / "redis").stat().st_mode) == 0o700
