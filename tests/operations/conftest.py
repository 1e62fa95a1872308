"""An installation with contacts and deals, on each database."""

import os
import signal
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core.jobs.execution import perform_job
from core.records.audit import Audit
from core.site.runtime import Runtime
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]


@pytest.fixture
def crm(make_site: MakeSite, dialect: str) -> TestInstallation:
    """Contacts and Sales are on."""
    return make_site("contacts", "sales", dialect=dialect)


def person(first: str = "Ada", **values: object) -> object:
    """A person who is not stored yet."""
    from plugins.contacts.models import Person

    return Person(**{"first_name": first, "last_name": "Byron", **values})


def actions(session: object, operation: str) -> list[str]:
    """What the audit rows of an operation say, oldest first."""
    return list(session.scalars(sa.select(Audit.action).where(Audit.operation == operation).order_by(Audit.id)))


def killed_at(installation: TestInstallation, statement: int, job_id: str) -> bool:
    """Run the job in a child that dies before its n-th statement; whether it did."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            runtime = Runtime(installation.config)
            runtime.current_site()
            left = statement

            @sa.event.listens_for(runtime.database.engine, "before_cursor_execute")
            def count(*_: object) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            perform_job(runtime, job_id, "doomed")
            status = 0
        finally:
            os._exit(status)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the job failed instead of being killed"
    return os.WIFSIGNALED(status)
