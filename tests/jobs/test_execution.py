"""One run of a job, in this process."""

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa

from core.accounts.actor import Actor, acting_as
from core.accounts.models import User, now
from core.jobs.execution import perform_job
from core.jobs.models import JOBS
from core.jobs.queue import enqueue
from core.jobs.sweep import SILENT, Sweeper
from core.processes import process_id
from tests.jobs.toy import marks


def change(runtime, **values):
    with runtime.database.engine.begin() as connection:
        connection.execute(sa.update(JOBS).values(**values))


def test_a_job_runs_with_its_arguments_and_keeps_its_result(runtime, ask, row):
    job_id = ask("toy.mark", text="متن", amounts=[1, 2.5, None])
    perform_job(runtime, job_id, "test")
    done = row(job_id)
    assert (done.status, done.attempts, done.worker) == ("done", 1, "test")
    assert done.result == {"text": "متن", "amounts": [1, 2.5, None]}
    assert (done.progress_done, done.progress_total, done.progress_message) == (1, 1, "marked")
    assert done.finished_at >= done.started_at


def test_a_second_delivery_runs_nothing(runtime, ask):
    job_id = ask("toy.mark", text="once")
    perform_job(runtime, job_id, "test")
    perform_job(runtime, job_id, "test")
    perform_job(runtime, "0" * 32, "test")
    assert marks(runtime.config.instance) == ["once"]


def test_a_failing_job_is_tried_again_after_a_pause_until_it_works(runtime, ask, row):
    job_id = ask("toy.fail_twice")
    perform_job(runtime, job_id, "test")
    waiting = row(job_id)
    assert (waiting.status, waiting.reason, waiting.error) == ("queued", "raised", "")
    assert "4711" in waiting.traceback
    perform_job(runtime, job_id, "test")
    perform_job(runtime, job_id, "test")
    done = row(job_id)
    assert (done.status, done.attempts, done.traceback) == ("done", 3, "")


def test_a_job_whose_attempts_are_used_up_is_failed(runtime, ask, row):
    job_id = ask("toy.fail")
    before = now()
    perform_job(runtime, job_id, "test")
    waiting = row(job_id)
    pause = (waiting.run_after - before).total_seconds()
    assert 400 < pause < 800
    perform_job(runtime, job_id, "test")
    assert row(job_id).attempts == 1
    change(runtime, run_after=None)
    perform_job(runtime, job_id, "test")
    failed = row(job_id)
    assert (failed.status, failed.attempts, failed.reason) == ("failed", 2, "raised")


def test_a_refusal_is_not_tried_again_and_leaves_nothing_behind(runtime, ask, row):
    job_id = ask("toy.change_and_fail")
    perform_job(runtime, job_id, "test")
    assert (row(job_id).status, row(job_id).reason, row(job_id).error) == ("failed", "refused", "Half-way.")
    with runtime.database.engine.connect() as connection:
        emails = connection.scalars(sa.select(User.email)).all()
    assert emails == ["ada@example.org"]


def test_a_job_is_parked_while_its_plugin_is_off_and_runs_when_it_is_back(runtime, ask, status):
    first, second = ask("toy.mark", text="a"), ask("toy.mark", text="b")
    runtime.off.touch()
    perform_job(runtime, first, "test")
    assert (status(first), status(second)) == ("parked", "queued")
    sweeper = Sweeper(runtime)
    sweeper.sweep(runtime.current_site().jobs)
    assert (status(first), status(second)) == ("parked", "parked")
    runtime.off.unlink()
    runtime.queue.client.flushall()
    sweeper.sweep(runtime.current_site().jobs)
    assert sorted(runtime.queue.rq_queue("default").job_ids) == sorted([first, second])
    perform_job(runtime, first, "test")
    assert status(first) == "done"


@pytest.fixture
def adas_job(runtime):
    with runtime.current_site().app.app_context(), acting_as(Actor(1, "Ada", permissions=frozenset({"everything"}))):
        job_id = enqueue("toy.who").id
        runtime.database.session.commit()
        runtime.database.session.remove()
    return job_id


def test_a_job_has_the_rights_its_actor_has_now(runtime, adas_job):
    perform_job(runtime, adas_job, "test")
    assert marks(runtime.config.instance) == ["1 False ['toy.play']"]


@pytest.mark.parametrize("end", [sa.update(User).values(active=False), sa.delete(User)])
def test_a_job_of_somebody_who_is_gone_fails_and_never_runs_as_the_installation(runtime, adas_job, row, end):
    with runtime.database.engine.begin() as connection:
        connection.execute(end)
    perform_job(runtime, adas_job, "test")
    assert (row(adas_job).status, row(adas_job).reason) == ("failed", "actor_gone")
    assert marks(runtime.config.instance) == []


def test_a_run_that_was_taken_for_lost_can_no_longer_end_the_job(runtime, ask, row, monkeypatch):
    job_id = ask("toy.mark", text="late")
    site = runtime.current_site()
    original = site.jobs["toy.mark"].run

    def lose_the_lease(progress, text):
        result = original(progress, text)
        change(runtime, attempts=JOBS.c.attempts + 1)
        return result

    monkeypatch.setitem(site.jobs, "toy.mark", replace(site.jobs["toy.mark"], run=lose_the_lease))
    perform_job(runtime, job_id, "slow")
    assert (row(job_id).status, row(job_id).attempts) == ("running", 2)


def test_a_lost_run_is_queued_again_and_then_given_up(runtime, ask, row):
    job_id = ask("toy.mark", text="x")
    long_ago = now() - dt.timedelta(hours=1)
    jobs = runtime.current_site().jobs
    sweeper = Sweeper(runtime, grace=0)
    change(runtime, status="running", attempts=1, lease_until=long_ago)
    runtime.queue.show_life(job_id)
    sweeper.sweep(jobs)
    assert row(job_id).status == "running"
    runtime.queue.client.flushall()
    Sweeper(runtime, grace=60).sweep(jobs)
    assert row(job_id).status == "running"
    sweeper.sweep(jobs)
    assert (row(job_id).status, row(job_id).reason) == ("queued", "interrupted")
    change(runtime, status="running", attempts=3, lease_until=long_ago)
    sweeper.sweep(jobs)
    assert (row(job_id).status, row(job_id).reason) == ("failed", "interrupted")


def test_a_run_is_lost_at_once_only_if_its_worker_is_dead_here_and_showed_no_life_for_a_while(
    runtime, ask, row, killed
):
    job_id = ask("toy.mark", text="x")
    queue, jobs = runtime.queue, runtime.current_site().jobs

    def after(silence: float, worker: str) -> str:
        change(runtime, status="running", attempts=1, worker=worker, lease_until=now() + dt.timedelta(minutes=1))
        queue.show_life(job_id)
        queue.client.pexpire(queue.key("lease", job_id), int((queue.lease_seconds - silence) * 1000))
        Sweeper(runtime).sweep(jobs)
        return row(job_id).status

    assert after(1, killed) == "running"
    assert after(SILENT + 1, process_id()) == "running"
    assert after(SILENT + 1, f"elsewhere:{killed.partition(':')[2]}") == "running"
    assert after(SILENT + 1, "a name of an older version") == "running"
    assert after(SILENT + 1, killed) == "queued"


def test_old_jobs_are_forgotten_and_young_ones_kept(runtime, ask, row):
    old, chore, young, waiting = (ask("toy.mark", text=text) for text in ("old", "chore", "young", "waiting"))
    ages = {old: ("failed", 31), chore: ("done", 2), young: ("failed", 29), waiting: ("queued", 100)}
    with runtime.database.engine.begin() as connection:
        for job_id, (state, days) in ages.items():
            aged = sa.update(JOBS).where(JOBS.c.id == job_id)
            connection.execute(aged.values(status=state, finished_at=now() - dt.timedelta(days=days)))
    Sweeper(runtime).sweep(runtime.current_site().jobs)
    with runtime.database.engine.connect() as connection:
        assert set(connection.scalars(sa.select(JOBS.c.id))) == {young, waiting}
