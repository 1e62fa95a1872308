"""Worker and scheduler as processes of their own, and what happens when they are killed."""

import os
import signal
import time
from pathlib import Path

import pytest
import rq
from rq.serializers import JSONSerializer

from core.accounts.actor import as_system
from core.jobs.delivery import Delivery, ForbiddenFunction
from core.jobs.queue import cancel
from tests.jobs.conftest import wait_for
from tests.jobs.toy import marks

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what does not depend on the database; starting processes takes its time."""


def test_a_worker_runs_what_was_asked_for_and_stops_when_told(runtime, ask, start, status):
    before = ask("toy.mark", text="before")
    worker = start("worker")
    after = ask("toy.who")
    wait_for(lambda: status(before) == status(after) == "done")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0


@on_sqlite
def test_a_worker_parks_the_jobs_of_a_plugin_that_was_switched_off(runtime, ask, start, status):
    first, second = ask("toy.mark", text="a"), ask("toy.mark", text="b", delay=0.5)
    start("worker")
    wait_for(lambda: status(first) == "done")
    runtime.off.touch()
    start("scheduler")
    wait_for(lambda: status(second) == "parked")
    runtime.off.unlink()
    wait_for(lambda: status(second) == "done")


def test_a_running_job_shows_its_progress_and_stops_when_cancelled(runtime, ask, start, row, status):
    start("worker")
    job_id = ask("toy.slow", seconds=30)
    wait_for(lambda: runtime.queue.progress([(job_id, 1)]))
    assert runtime.queue.progress([(job_id, 1)])[job_id] == {"done": "1", "total": "3", "message": "slowly"}
    with runtime.current_site().app.app_context(), as_system("test"):
        cancel(job_id)
        runtime.database.session.commit()
        runtime.database.session.remove()
    wait_for(lambda: status(job_id) == "cancelled")
    assert row(job_id).progress_message == "slowly"
    assert marks(runtime.config.instance) == ["start"]


@on_sqlite
def test_a_cancelled_job_stops_even_when_redis_forgot_the_wish(runtime, ask, start, status):
    start("worker")
    job_id = ask("toy.slow", seconds=30)
    wait_for(lambda: marks(runtime.config.instance))
    with runtime.current_site().app.app_context(), as_system("test"):
        cancel(job_id)
        runtime.queue.client.flushall()
        runtime.database.session.commit()
        runtime.database.session.remove()
    wait_for(lambda: status(job_id) == "cancelled")


@on_sqlite
def test_a_job_that_takes_too_long_is_ended(runtime, ask, start, row):
    start("worker")
    job_id = ask("toy.hang")
    wait_for(lambda: row(job_id).status == "failed")
    assert row(job_id).reason == "timed_out"


@on_sqlite
def test_a_job_that_takes_too_much_memory_fails_and_others_go_on(runtime, ask, start, row, status):
    start("worker")
    job_id, other = ask("toy.hoard"), ask("toy.mark", text="after")
    wait_for(lambda: status(job_id) == "failed")
    assert "MemoryError" in row(job_id).traceback
    wait_for(lambda: status(other) == "done")


@on_sqlite
def test_a_job_whose_process_is_killed_is_queued_again(runtime, ask, start, row):
    start("worker")
    job_id = ask("toy.slow", seconds=30)
    wait_for(lambda: marks(runtime.config.instance))
    horse = _child_of(row(job_id).worker)
    os.kill(horse, signal.SIGKILL)
    wait_for(lambda: row(job_id).status == "queued")
    assert row(job_id).reason == "interrupted"


@on_sqlite
def test_a_worker_that_is_told_to_stop_gives_a_long_job_back_unspoilt(runtime, ask, start, row):
    worker = start("worker")
    job_id = ask("toy.slow", seconds=60)
    wait_for(lambda: marks(runtime.config.instance))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert (row(job_id).status, row(job_id).max_attempts - row(job_id).attempts) == ("queued", 3)


@pytest.mark.timeout(90)
def test_a_job_survives_the_kill_of_its_worker_and_does_not_wait_for_its_lease(runtime, ask, start, row):
    worker = start("worker")
    job_id = ask("toy.slow", seconds=2)
    wait_for(lambda: marks(runtime.config.instance) == ["start"])
    worker.kill()
    worker.wait()
    start("scheduler")
    start("worker")
    wait_for(lambda: row(job_id).status == "done", runtime.queue.lease_seconds)
    assert row(job_id).attempts == 2
    assert marks(runtime.config.instance) == ["start", "start", "end"]


@on_sqlite
def test_a_scheduler_delivers_what_redis_lost_and_gives_way_when_asked(runtime, ask, start, status):
    job_id = ask("toy.mark", text="lost")
    runtime.queue.client.flushall()
    scheduler = start("scheduler")
    worker = start("worker")
    wait_for(lambda: status(job_id) == "done")
    (runtime.config.instance / "retire").touch()
    assert scheduler.wait(20) == 0
    assert worker.wait(20) == 0


@on_sqlite
@pytest.mark.parametrize("function", ["os.system", "core.jobs.worker.main", "tests.jobs.toy.mark"])
def test_a_function_that_somebody_else_put_on_the_queue_is_not_called(runtime, ask, start, status, function):
    queue = runtime.queue.rq_queue("default")
    forged = rq.Queue(queue.name, connection=runtime.queue.client, serializer=JSONSerializer)
    evidence = runtime.config.instance / "evidence"
    forged.enqueue_call(function, args=[f"touch {evidence}"])
    job_id = ask("toy.mark", text="after")
    start("worker")
    wait_for(lambda: status(job_id) == "done")
    assert not evidence.exists()
    assert queue.job_ids == []


@on_sqlite
def test_a_delivery_believes_neither_callbacks_nor_another_id(runtime):
    client = runtime.queue.client
    queue = runtime.queue.rq_queue("default")
    honest = queue.enqueue_call("core.jobs.worker.perform", args=["a" * 32], job_id="a" * 32)
    honest.check()
    client.hset(honest.key, mapping={"success_callback_name": "os.getpid", "failure_callback_name": "os.getpid"})
    client.hset(honest.key, "stopped_callback_name", "os.getpid")
    read = Delivery.fetch(honest.id, connection=client, serializer=JSONSerializer)
    assert (read.success_callback, read.failure_callback, read.stopped_callback) == (None, None, None)
    other = queue.enqueue_call("core.jobs.worker.perform", args=["b" * 32], job_id="c" * 32)
    with pytest.raises(ForbiddenFunction):
        other.check()


def _child_of(worker_name: str) -> int:
    parent = int(worker_name.split(":")[1])
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        if children:
            return int(children[0])
    raise AssertionError("the worker has no child")
