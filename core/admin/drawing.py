"""Drawing what plugins hand over for a page: each piece by itself, so that one that fails costs no other."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import render_template
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)


def mending(session: Session) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """A guard for code of plugins that only reads: a failed query of theirs does not spoil the queries after it.

    A page that only reads has nothing to lose by beginning a new transaction, which costs nothing while all goes well;
    a savepoint around every piece would cost two statements each.
    """

    @contextlib.contextmanager
    def guard() -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError:
            session.rollback()
            raise

    return guard


def drawn(session: Session, plugin: str, template: str, context: Mapping[str, Any]) -> tuple[Markup, str]:
    """The HTML of a plugin's template, and the plugin's name instead where it fails."""
    try:
        with mending(session)():
            html = render_template(template, **context)
    except Exception:
        log.exception("The template %s of the plugin %s could not be drawn.", template, plugin)
        return Markup(), plugin
    return Markup(html), ""  # noqa: S704  rendered by an autoescaping template
