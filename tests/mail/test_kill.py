"""A worker that is killed while the server answers sends nothing twice and loses nothing silently."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.jobs.models import JOBS, QUEUED
from core.mail.models import IN_DOUBT, MAILS, STARTED
from core.mail.outbox import send_mail
from core.testing.installation import TestInstallation

ROOT = Path(__file__).parents[2]
WORK = """
import sys
from core.config import Config
from core.jobs.execution import perform_job
from core.site.runtime import Runtime
perform_job(Runtime(Config.load()), sys.argv[1], "killed")
"""


def test_a_worker_killed_while_the_server_answers_leaves_the_mail_in_doubt(
    installation: TestInstallation, postman: Any
) -> None:
    postman.waits = True
    with installation.acting() as work:
        send_mail(work, key="one", address="sara@example.com", subject="Good morning", text="Hello")
        work.commit()
        job = work.scalar(sa.select(JOBS.c.id).where(JOBS.c.name == "core.send_mail"))
        work.rollback()
    environment = {**os.environ, **installation.config.environment()}
    worker = subprocess.Popen([sys.executable, "-c", WORK, str(job)], cwd=ROOT, env=environment)
    deadline = time.monotonic() + 60
    while not postman.mails:
        assert worker.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker.kill()
    worker.wait()
    postman.waits = False
    with installation.runtime.database.engine.begin() as connection:
        assert connection.scalar(sa.select(MAILS.c.state)) == STARTED
        # What the sweeper does once the worker has shown no life for long enough.
        connection.execute(sa.update(JOBS).where(JOBS.c.id == job).values(status=QUEUED, lease_until=None))
    installation.run_jobs()
    with installation.runtime.database.engine.connect() as connection:
        assert connection.scalar(sa.select(MAILS.c.state)) == IN_DOUBT
    assert len(postman.mails) == 1
