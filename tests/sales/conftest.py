"""Deals for tests: an installation with contacts and sales switched on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.orm import Session

from core.testing.installation import TestInstallation
from plugins.sales.models import Deal, LostReason, Pipeline, Stage
from plugins.sales.rules import first_pipeline
from plugins.sales.services import stages_of


@pytest.fixture
def installation(make_site: Callable[..., TestInstallation]) -> TestInstallation:
    """An installation with sales on, as it is just after it was installed."""
    return make_site("contacts", "sales")


@pytest.fixture
def work(installation: TestInstallation) -> Iterator[Session]:
    """A unit of work of an administrator."""
    with installation.acting("administrator") as session:
        yield session


@pytest.fixture
def pipeline(work: Session) -> Pipeline:
    """The pipeline that installing adds."""
    found = first_pipeline(work)
    assert found is not None
    return found


@pytest.fixture
def stages(work: Session, pipeline: Pipeline) -> dict[str, Stage]:
    """Its stages by name."""
    return {stage.name: stage for stage in stages_of(work, pipeline)}


@pytest.fixture
def reason(work: Session) -> LostReason:
    """A lost reason."""
    return work.query(LostReason).order_by(LostReason.position).first()  # type: ignore[return-value]


@pytest.fixture
def deal(work: Session, pipeline: Pipeline) -> Deal:
    """A stored deal in the first stage, without an amount."""
    made = Deal(name="New roof")
    work.add(made)
    work.commit()
    return made
