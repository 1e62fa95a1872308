"""Drawing a card: guarded, so that a broken or slow one spoils nothing but itself."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from flask import render_template, url_for
from markupsafe import Markup

from core.admin.drawing import mending
from core.database.limits import TooSlow, time_limit
from core.errors import Forbidden, ValidationError
from core.reports.dashboards import Placed
from core.reports.definition import check, source
from core.reports.shown import show
from core.site.site import session

log = logging.getLogger(__name__)

WHOLE_TIME = 0.8  # seconds that all cards of a page may take while it is made
EACH_TIME = 0.3  # seconds for one
LATER_TIME = 20.0  # seconds for one that is fetched after the page


@dataclass(frozen=True)
class Drawn:
    """A card as the page shows it: ``html``, or nothing yet (``later``), or the reason why not."""

    placed: Placed
    html: Markup = Markup("")
    later: bool = False
    error: str = ""
    slow: bool = False
    page_url: str | None = None

    @property
    def body_url(self) -> str:
        """Where the card is fetched from later."""
        return url_for("dashboards.card_body", ref=self.placed.ref)


def draw_all(cards: list[Placed]) -> list[Drawn]:
    """The cards of a page; those for which there is no time are fetched by it later. Cards with nothing to say go."""
    deadline = time.monotonic() + WHOLE_TIME
    drawn = []
    for placed in cards:
        left = min(EACH_TIME, deadline - time.monotonic())
        card = draw(placed, left) if left > 0 else Drawn(placed, later=True)
        if card is not None:
            drawn.append(Drawn(placed, later=True) if card.slow else card)
    return drawn


def draw(placed: Placed, seconds: float) -> Drawn | None:
    """One card; None when it has nothing to say."""
    page_url = url_for("dashboards.card_page", ref=placed.ref) if placed.report is not None else None
    try:
        html = _report(placed, seconds) if placed.report is not None else _of_plugin(placed, seconds)
    except TooSlow:
        return Drawn(placed, slow=True, page_url=page_url)
    except Forbidden:
        return None  # it would tell something that its reader may not see
    except Exception:
        log.exception("The card %s of the plugin %s failed.", placed.title, placed.plugin or "core")
        return Drawn(placed, error=placed.plugin or placed.title, page_url=page_url)
    return None if html is None else Drawn(placed, html, page_url=page_url)


def _of_plugin(placed: Placed, seconds: float) -> Markup | None:
    assert placed.card is not None, "a card without a report is a plugin's"
    with time_limit(session, seconds):
        context = placed.card.load() if placed.card.load is not None else {}
        if context is None:
            return None
        return Markup(render_template(placed.card.template, **context))  # noqa: S704 - a template's own output


def _report(placed: Placed, seconds: float) -> Markup | None:
    """A report; None when the actor may not see its records, or its module is off. Kept figures need no time."""
    assert placed.report is not None, "asked only for reports"
    origin = source(placed.report.record_type)
    if origin is None:
        return None
    try:
        check(placed.report, origin)
        with mending(session)():
            shown = show(session, placed.report, origin, seconds)
    except ValidationError as error:
        return Markup(render_template("nova/_report_lost.html", reasons=list(error.errors.values())))  # noqa: S704
    return Markup(render_template("nova/_report.html", report=shown, ref=placed.ref, title=placed.title))  # noqa: S704
