"""The servers of the test kit."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
import sqlalchemy as sa

from core.testing import unprivileged
from core.testing.servers import PostgresServer, RedisServer, create_database, drop_database


def test_postgresql_answers_over_tcp(postgres_server: PostgresServer) -> None:
    engine = sa.create_engine(postgres_server.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_trigrams_and_unaccent_are_available(postgres_server: PostgresServer) -> None:
    url = create_database(postgres_server)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE EXTENSION pg_trgm"))
        connection.execute(sa.text("CREATE EXTENSION unaccent"))
        assert connection.execute(sa.text("SELECT similarity('پیوند', 'پیوندها')")).scalar() > 0
    drop_database(postgres_server, url)


def test_copy_of_a_template_has_its_rows_and_its_own_life(postgres_server: PostgresServer) -> None:
    template = create_database(postgres_server)
    engine = sa.create_engine(template, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE deal AS SELECT 7 AS amount"))
    copy = sa.create_engine(create_database(postgres_server, template), poolclass=sa.NullPool)
    with copy.begin() as connection:
        assert connection.execute(sa.text("DELETE FROM deal RETURNING amount")).scalar() == 7
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM deal")).scalar() == 1


def test_dropping_cuts_open_connections(postgres_server: PostgresServer) -> None:
    url = create_database(postgres_server)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    connection = engine.connect()
    connection.execute(sa.text("SELECT 1"))
    drop_database(postgres_server, url)
    with pytest.raises(sa.exc.OperationalError):
        connection.execute(sa.text("SELECT 1"))
    connection.invalidate()
    connection.close()


def test_nobody_connects_without_the_password(postgres_server: PostgresServer) -> None:
    url = sa.make_url(postgres_server.url).set(password="guess", drivername="postgresql")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.render_as_string(hide_password=False))


def test_stopped_postgresql_leaves_no_process_and_no_folder() -> None:
    with PostgresServer() as server:
        process = psutil.Process(server.pid)
        family = [process, *process.children(recursive=True)]
        folder = Path(process.cwd()).parent
        assert folder.name.startswith("peyvand-pg-")
    assert not any(member.is_running() for member in family)
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_root_without_namespaces_runs_postgresql_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unprivileged, "_namespaces_work", lambda: False)
    with PostgresServer() as server:
        assert psutil.Process(server.pid).username() == "nobody"
        with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties the life of a child to that of its parent")
def test_servers_die_with_a_killed_test_run() -> None:
    script = """
from core.testing.servers import PostgresServer, RedisServer
import redis
with PostgresServer() as postgres, RedisServer() as queue:
    print(postgres.pid, redis.Redis.from_url(queue.url).info("server")["process_id"], flush=True)
    input()
"""
    folder = tempfile.mkdtemp(prefix="peyvand-")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": folder}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        servers = [psutil.Process(int(pid)) for pid in run.stdout.readline().split()]
        assert len(servers) == 2
        run.kill()
    _, left = psutil.wait_procs(servers, timeout=5)
    assert left == []
    # The folders are all that a killed run can leave.
    shutil.rmtree(folder)


def test_redis_answers(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.ping()
