"""A small installation for the tests of jobs: one plugin, `toy`, whose jobs leave marks in a file.

Run as a program it is the worker or the scheduler of that installation: `python -m tests.jobs.toy worker FOLDER`, with
the configuration in the PEYVAND_* variables. While the file `toy_is_off` exists, the Site is one without the plugin.
"""

import logging
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from flask_babel import Babel

from core.accounts.actor import acting
from core.accounts.models import Role, SignIn, User, user_role
from core.accounts.roles import FieldRight, RecordRule, RoleGrant
from core.config import Config
from core.database.base import METADATA
from core.database.engine import Database
from core.errors import ValidationError
from core.jobs import schedule, worker
from core.jobs.models import JOBS, SCHEDULES
from core.jobs.progress import Progress
from core.jobs.queue import JobQueue
from core.parts import Job, Permission, Schedule
from core.serve.child import forks_die_with_parent

RIGHTS = [RoleGrant.__table__, FieldRight.__table__, RecordRule.__table__]
TABLES = [User.__table__, Role.__table__, user_role, SignIn.__table__, *RIGHTS, JOBS, SCHEDULES]


@dataclass
class ToySite:
    """What the jobs ask of a Site."""

    app: Flask
    runtime: "ToyRuntime"
    jobs: dict[str, Job]
    schedules: tuple[Schedule, ...] = ()
    grants: dict[str, frozenset[str]] = field(default_factory=dict)
    permissions: dict[str, Permission] = field(default_factory=dict)


class ToyRuntime:
    """What the jobs ask of a Runtime."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.database = Database(config)
        self.queue = JobQueue(config)
        self._sites = {on: self._build(on) for on in (True, False)}

    def _build(self, toy_is_on: bool) -> ToySite:
        app = Flask("toy")
        app.secret_key = self.config.secret_key
        Babel(app)
        site = ToySite(app, self, {job.name: job for job in JOBS_OF_TOY} if toy_is_on else {})
        site.schedules = (Schedule(job="toy.mark", every=3600, arguments={"text": "tick"}),)
        site.grants = {"user": frozenset({"toy.play"})}
        app.extensions["peyvand"] = site
        return site

    @property
    def off(self) -> Path:
        return self.config.instance / "toy_is_off"

    def current_site(self) -> ToySite:
        return self._sites[not self.off.exists()]

    def must_retire(self) -> bool:
        return (self.config.instance / "retire").exists()

    def create_tables(self) -> None:
        METADATA.create_all(self.database.engine, TABLES)


def marks(instance: Path) -> list[str]:
    """What the jobs of an installation wrote down."""
    file = instance / "marks"
    return file.read_text().splitlines() if file.exists() else []


def leave_mark(text: str) -> None:
    with (current_app.extensions["peyvand"].runtime.config.instance / "marks").open("a") as file:
        file.write(f"{text}\n")


def mark(progress: Progress, text: str, **more: Any) -> dict[str, Any]:
    leave_mark(text)
    progress.report(1, 1, "marked")
    return {"text": text, **more}


def who(progress: Progress) -> None:
    actor = acting()
    leave_mark(f"{actor.user_id} {actor.system} {sorted(actor.permissions)}")


def fail_twice(progress: Progress) -> None:
    leave_mark("try")
    if len(marks(current_app.extensions["peyvand"].runtime.config.instance)) < 3:
        raise RuntimeError("the amount was 4711")


def fail(progress: Progress) -> None:
    sys.exit("no")


def refuse(progress: Progress) -> None:
    raise ValidationError("Not like this.")


def slow(progress: Progress, seconds: float) -> None:
    leave_mark("start")
    session = current_app.extensions["peyvand"].runtime.database.session
    session.connection()  # a job that writes; on SQLite nobody else can meanwhile
    session.rollback()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        progress.report(1, 3, "slowly")
        time.sleep(0.02)
    leave_mark("end")


def hoard(progress: Progress) -> None:
    bytearray(3 << 30)  # more than a job may take; without a limit it would succeed, for nobody touches it


def hang(progress: Progress) -> None:
    time.sleep(60)


def change_and_fail(progress: Progress) -> None:
    session = current_app.extensions["peyvand"].runtime.database.session
    session.add(User(id=5, email="half@example.org", fs_uniquifier="half"))
    session.flush()
    raise ValidationError("Half-way.")


JOBS_OF_TOY = (
    Job(name="toy.mark", run=mark, label="Mark"),
    Job(name="toy.who", run=who, label="Who", queue="system"),
    Job(name="toy.fail_twice", run=fail_twice, label="Fail twice", retry_after=0),
    Job(name="toy.fail", run=fail, label="Fail", attempts=2, retry_after=600),
    Job(name="toy.refuse", run=refuse, label="Refuse"),
    Job(name="toy.slow", run=slow, label="Slow", queue="bulk", retry_after=1),
    Job(name="toy.hang", run=hang, label="Hang", attempts=1, timeout=1),
    Job(name="toy.hoard", run=hoard, label="Hoard", attempts=1),
    Job(name="toy.change_and_fail", run=change_and_fail, label="Change and fail"),
)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    forks_die_with_parent()
    run = {"worker": worker.main, "scheduler": schedule.main}[sys.argv[1]]
    sys.exit(run(ToyRuntime(Config.load())))
