"""Asking for jobs, and what is in the database and in Redis afterwards."""

import datetime as dt

import pytest
import sqlalchemy as sa

from core.accounts.actor import Actor, acting_as, as_system
from core.accounts.models import now
from core.errors import Blocked, Forbidden
from core.jobs.execution import perform_job
from core.jobs.models import JOBS
from core.jobs.queue import MANAGE, UnknownJob, cancel, enqueue, enqueue_if_idle, retry
from core.jobs.sweep import Sweeper
from tests.jobs.toy import marks

ADA = Actor(1, "Ada", frozenset({"user"}))
ADMINISTRATOR = Actor(7, "Zoe", permissions=frozenset({MANAGE}))


@pytest.fixture
def session(runtime):
    with runtime.current_site().app.app_context():
        yield runtime.database.session
        runtime.database.session.remove()


def delivered(runtime, queue="default"):
    return runtime.queue.rq_queue(queue).job_ids


def test_a_committed_job_is_delivered_and_no_sooner(runtime, session):
    with acting_as(ADA):
        record = enqueue("toy.mark", text="سلام")
        assert delivered(runtime) == []
        session.commit()
    assert delivered(runtime) == [record.id]
    assert (record.actor_id, record.system, record.arguments, record.plugin) == (1, False, {"text": "سلام"}, "toy")


def test_a_rolled_back_job_was_never_asked_for(runtime, session):
    with acting_as(ADA):
        enqueue("toy.mark", text="no")
        session.rollback()
        session.commit()
    assert delivered(runtime) == []
    assert session.scalar(sa.select(sa.func.count()).select_from(JOBS)) == 0


def test_a_released_savepoint_delivers_nothing_yet(runtime, session):
    with acting_as(ADA):
        with session.begin_nested():
            record = enqueue("toy.mark", text="yes")
        assert delivered(runtime) == []
        session.commit()
    assert delivered(runtime) == [record.id]


def test_the_same_key_twice_is_one_job(runtime, session):
    with acting_as(ADA):
        first = enqueue("toy.mark", key="invoice-17", text="a")
        again = enqueue("toy.mark", key="invoice-17", text="b")
        session.commit()
        later = enqueue("toy.mark", key="invoice-17", text="c")
        session.commit()
    assert first.id == again.id == later.id
    assert later.arguments == {"text": "a"}
    assert delivered(runtime) == [first.id]


def test_an_unknown_job_nobody_and_no_json_are_refused(runtime, session):
    with acting_as(ADA), pytest.raises(UnknownJob):
        enqueue("toy.nothing")
    with pytest.raises(Forbidden):
        enqueue("toy.mark", text="x")
    with acting_as(ADA), pytest.raises(TypeError):
        enqueue("toy.mark", text=object())
    session.commit()
    assert session.scalar(sa.select(sa.func.count()).select_from(JOBS)) == 0


def test_a_delayed_job_is_delivered_when_it_is_due(runtime, session):
    with acting_as(ADA):
        record = enqueue("toy.mark", delay=3600, text="later")
        session.commit()
    sweeper = Sweeper(runtime)
    sweeper.sweep(runtime.current_site().jobs)
    assert delivered(runtime) == []
    perform_job(runtime, record.id, "early")
    assert marks(runtime.config.instance) == []
    session.execute(sa.update(JOBS).values(run_after=now() - dt.timedelta(seconds=1)))
    session.commit()
    sweeper.sweep(runtime.current_site().jobs)
    assert delivered(runtime) == [record.id]


def test_a_chore_waits_once_however_often_it_is_asked_for(runtime, session):
    with acting_as(ADA):
        assert enqueue_if_idle("toy.mark", text="chore")
        assert not enqueue_if_idle("toy.mark", text="chore")
        session.commit()
    [job_id] = delivered(runtime)
    perform_job(runtime, job_id, "test")
    assert enqueue_if_idle("toy.mark", text="chore")
    session.commit()


def test_a_chore_asked_for_again_soon_waits_for_the_sweeper(runtime, session):
    with acting_as(ADA):
        enqueue_if_idle("toy.mark", pause=60, text="chore")
        session.commit()
        [first] = delivered(runtime)
        perform_job(runtime, first, "test")
        assert enqueue_if_idle("toy.mark", pause=60, text="chore")
        session.commit()
    assert delivered(runtime) == [first]
    Sweeper(runtime).sweep(runtime.current_site().jobs)
    assert len(delivered(runtime)) == 2


def test_a_save_survives_a_redis_that_is_away_and_the_sweeper_delivers(runtime, session, redis_server):
    redis_server.kill()
    try:
        with acting_as(ADA):
            record = enqueue("toy.mark", text="kept")
            session.commit()
        assert not runtime.queue.answers()
    finally:
        redis_server.start()
    runtime.queue._rests_until = 0
    Sweeper(runtime).sweep(runtime.current_site().jobs)
    assert delivered(runtime) == [record.id]


def test_what_redis_forgot_is_delivered_once_more(runtime, session):
    with acting_as(ADA):
        ids = [enqueue("toy.mark", text=str(number)).id for number in range(3)]
        session.commit()
    runtime.queue.client.flushall()
    sweeper = Sweeper(runtime)
    sweeper.sweep(runtime.current_site().jobs)
    sweeper.sweep(runtime.current_site().jobs)
    assert sorted(delivered(runtime)) == sorted(ids)


def test_only_the_own_job_can_be_cancelled_unless_one_manages_jobs(runtime, session):
    with acting_as(ADA):
        first, second = enqueue("toy.mark", text="1"), enqueue("toy.mark", text="2")
        session.commit()
    with acting_as(Actor(2, "Bob")), pytest.raises(Forbidden):
        cancel(first.id)
    assert first.status == "queued"
    with acting_as(ADA):
        assert cancel(first.id).status == "cancelled"
    with acting_as(ADMINISTRATOR):
        assert cancel(second.id).status == "cancelled"
    with acting_as(ADMINISTRATOR), pytest.raises(Forbidden):
        cancel("0" * 32)
    session.commit()
    perform_job(runtime, first.id, "test")
    assert marks(runtime.config.instance) == []


def test_a_failed_job_runs_again_on_request_and_not_while_its_plugin_is_off(runtime, session):
    with acting_as(ADA):
        record = enqueue("toy.refuse")
        session.commit()
        perform_job(runtime, record.id, "test")
        runtime.queue.client.flushall()
        runtime.off.touch()
        with runtime.current_site().app.app_context(), pytest.raises(Blocked):
            retry(record.id)
        runtime.off.unlink()
        with acting_as(Actor(2, "Bob")), pytest.raises(Forbidden):
            retry(record.id)
        session.rollback()
        again = retry(record.id)
        session.commit()
    assert (again.status, again.attempts, again.max_attempts) == ("queued", 1, 4)
    assert delivered(runtime) == [record.id]


def test_as_system_a_job_belongs_to_the_installation(runtime, session):
    with as_system("test"):
        record = enqueue("toy.who")
        session.commit()
    perform_job(runtime, record.id, "test")
    assert marks(runtime.config.instance) == ["None True []"]
