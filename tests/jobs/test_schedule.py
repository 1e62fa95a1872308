"""When scheduled jobs are put on the queue."""

import threading

import pytest
import sqlalchemy as sa

from core.jobs.execution import perform_job
from core.jobs.models import JOBS, SCHEDULES
from core.jobs.schedule import queue_due, schedule_name
from core.parts import Schedule
from core.processes import process_id

HOUR = 3600


@pytest.fixture
def site(runtime):
    return runtime.current_site()


@pytest.fixture
def finish(runtime):
    """Run whatever is queued."""

    def run_all():
        with runtime.database.engine.connect() as connection:
            waiting = connection.scalars(sa.select(JOBS.c.id).where(JOBS.c.status == "queued")).all()
        for job_id in waiting:
            perform_job(runtime, job_id, "test")
        return len(waiting)

    return run_all


def test_a_schedule_waits_for_its_next_period_and_runs_once_in_each(site, finish):
    assert queue_due(site, 100 * HOUR + 10) == []
    assert queue_due(site, 101 * HOUR - 1) == []
    assert queue_due(site, 101 * HOUR) == [schedule_name(site.schedules[0])]
    assert queue_due(site, 101 * HOUR + 1) == []
    assert finish() == 1
    assert queue_due(site, 102 * HOUR) != []


def test_missed_periods_are_caught_up_by_one_run(site, finish):
    queue_due(site, 100 * HOUR)
    queue_due(site, 150 * HOUR)
    queue_due(site, 150 * HOUR + 1)
    assert finish() == 1


def test_a_run_that_has_not_ended_is_not_joined_by_another(site, finish):
    for hour in range(100, 110):
        queue_due(site, hour * HOUR)
    assert finish() == 1


@pytest.mark.parametrize("hours", [24, -24])
def test_a_clock_that_is_set_brings_neither_storm_nor_silence(site, finish, hours):
    queue_due(site, 100 * HOUR)
    queue_due(site, 101 * HOUR)
    assert finish() == 1
    for second in range(60):
        queue_due(site, (101 + hours) * HOUR + second)
    assert finish() == 1
    queue_due(site, (102 + hours) * HOUR)
    assert finish() == 1


def test_a_clock_a_little_behind_another_machines_does_not_repeat(site, finish):
    queue_due(site, 100 * HOUR)
    queue_due(site, 101 * HOUR)
    finish()
    assert queue_due(site, 101 * HOUR - 1) == []


def test_two_schedulers_queue_one_run(runtime, site, finish):
    queue_due(site, 100 * HOUR)
    barrier = threading.Barrier(4)
    queued = []

    def tick():
        barrier.wait()
        queued.extend(queue_due(site, 101 * HOUR))

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(queued) == 1
    assert finish() == 1
    with runtime.database.engine.connect() as connection:
        assert connection.scalar(sa.select(SCHEDULES.c.period)) == 101


def test_one_scheduler_leads_until_it_stops(runtime):
    queue = runtime.queue
    assert queue.lead("a", 15)
    assert queue.lead("a", 15)
    assert not queue.lead("b", 15)
    queue.stop_leading("b")
    assert not queue.lead("b", 15)
    queue.stop_leading("a")
    assert queue.lead("b", 15)


def test_a_leader_that_was_killed_on_this_machine_is_not_waited_for(runtime, killed):
    queue = runtime.queue
    assert queue.lead(killed, 15)
    assert queue.lead(process_id(), 15)
    assert not queue.lead(killed, 15)


def test_the_same_job_with_other_arguments_is_another_schedule():
    names = {schedule_name(Schedule(job="toy.mark", every=60, arguments=given)) for given in ({}, {"a": 1}, {"a": 2})}
    assert len(names) == 3
