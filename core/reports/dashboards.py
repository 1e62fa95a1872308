"""Verbs on dashboards: which there are for somebody, what stands on them, and arranging it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, selectinload

from core.accounts.actor import acting
from core.errors import Blocked, ValidationError
from core.parts import ADMINISTRATOR, Card, Permission, Report
from core.records.policy import may
from core.reports.definition import read_report
from core.reports.models import MOST_CARDS, MOST_DASHBOARDS, TITLE_LENGTH, WIDEST, Dashboard, DashboardCard

SHARE = Permission("core.dashboards.share", _l("Share dashboards with everyone"), (ADMINISTRATOR,))


@dataclass(frozen=True)
class Placed:
    """A card in its place. ``ref`` is what its addresses call it: the id of its row, or the name of a plugin's card.

    A plugin's card has ``card`` and ``plugin``, a report of a person's own only ``report``.
    """

    ref: str
    title: str
    width: int = 1
    id: int | None = None
    card: Card | None = None
    plugin: str = ""
    report: Report | None = None


def offered_cards() -> dict[str, tuple[str, Card]]:
    """The cards of plugins that the actor may have, by name, with the plugin's name."""
    cards = current_app.extensions["peyvand"].cards
    return {card.key: (plugin, card) for plugin, card in cards if card.permission is None or may(card.permission)}


def place(row: DashboardCard) -> Placed | None:
    """The card a row stands for; None when its module is off or the person may not see it any more."""
    ref = str(row.id)
    if row.report is not None:
        return Placed(ref, row.title, row.width, row.id, report=read_report(row.report))
    known = offered_cards().get(row.name)
    return _of_plugin(*known, ref=ref, width=row.width, row_id=row.id) if known else None


def find_card(session: Session, ref: str) -> Placed | None:
    """The card called ``ref``, if it is one of a plugin or stands on a dashboard the actor may see."""
    known = offered_cards().get(ref)
    if known is not None:
        return _of_plugin(*known, ref=ref)
    if not (ref.isascii() and ref.isdigit() and len(ref) < 10):
        return None
    row = session.get(DashboardCard, int(ref))
    if row is None or find(session, row.dashboard_id) is None:
        return None
    return place(row)


def _of_plugin(plugin: str, card: Card, *, ref: str, width: int = 0, row_id: int | None = None) -> Placed:
    return Placed(ref, str(card.title), width or _width(card), row_id, card, plugin, card.report)


def _width(card: Card) -> int:
    return 2 if card.wide else 1


# --- which dashboards


def home(session: Session) -> Dashboard | None:
    """The actor's own arrangement of the home page; None when it is as everybody's."""
    wanted = sa.select(Dashboard).where(Dashboard.owner_id == acting().user_id, Dashboard.home)
    return session.scalars(wanted.options(selectinload(Dashboard.cards)).limit(1)).first()


def home_cards(own: Dashboard | None) -> list[Placed]:
    """What stands on the home page."""
    if own is not None:
        return placed(own)
    cards = offered_cards().items()
    return [_of_plugin(plugin, card, ref=key) for key, (plugin, card) in cards if card.at_home]


def placed(dashboard: Dashboard) -> list[Placed]:
    """The cards of a dashboard that can be shown to the actor, in their order."""
    return [entry for entry in map(place, dashboard.cards) if entry is not None]


def visible(session: Session) -> Sequence[Dashboard]:
    """The actor's dashboards and the shared ones, home pages left out."""
    mine = sa.or_(Dashboard.owner_id == acting().user_id, Dashboard.shared)
    wanted = sa.select(Dashboard).where(mine, Dashboard.home.is_(False)).options(selectinload(Dashboard.owner))
    return session.scalars(wanted.order_by(Dashboard.shared, Dashboard.title, Dashboard.id).limit(200)).all()


def find(session: Session, dashboard_id: int) -> Dashboard | None:
    """The dashboard, if the actor may see it."""
    wanted = sa.select(Dashboard).where(Dashboard.id == dashboard_id).options(selectinload(Dashboard.cards))
    found = session.scalars(wanted).one_or_none()
    return found if found is not None and (found.shared or found.owner_id == acting().user_id) else None


def may_arrange(dashboard: Dashboard) -> bool:
    """Whether the actor may change it: the owner, and those who keep what is shared."""
    return dashboard.owner_id == acting().user_id or (dashboard.shared and may(SHARE.name))


# --- changing them


def create(session: Session, title: str) -> Dashboard:
    """A new dashboard of the actor.

    Raises:
        ValidationError: it has no title.
        Blocked: there are too many.
    """
    mine = sa.select(sa.func.count(Dashboard.id)).where(Dashboard.owner_id == acting().user_id)
    if (session.scalar(mine) or 0) >= MOST_DASHBOARDS:
        raise Blocked(_("You have as many dashboards as there may be. Delete one first."))
    made = Dashboard(owner_id=_actor_id(), title=_title(title))
    session.add(made)
    session.flush()
    return made


def own_home(session: Session) -> Dashboard:
    """The actor's own home page, made from what everybody has when it is first arranged."""
    found = home(session)
    if found is not None:
        return found
    made = Dashboard(owner_id=_actor_id(), title="", home=True)
    for position, entry in enumerate(home_cards(None)):
        made.cards.append(DashboardCard(name=entry.ref, width=entry.width, position=position))
    session.add(made)
    session.flush()
    return made


def rename(dashboard: Dashboard, title: str, *, shared: bool) -> None:
    """Change the title, and who sees it.

    Raises:
        ValidationError: it has no title.
        Blocked: sharing is not for the actor.
    """
    if shared != dashboard.shared and not may(SHARE.name):
        raise Blocked(_("You may not share dashboards."))
    dashboard.title = _title(title)
    dashboard.shared = shared


def add_card(dashboard: Dashboard, name: str) -> None:
    """Put a plugin's card at the end.

    Raises:
        ValidationError: there is no such card for the actor, or it stands there already.
        Blocked: the dashboard is full.
    """
    known = offered_cards().get(name)
    if known is None or any(card.name == name for card in dashboard.cards):
        raise ValidationError(name=_("This card cannot be added."))
    _append(dashboard, DashboardCard(name=name, width=_width(known[1])))


def put_report(dashboard: Dashboard, card: DashboardCard | None, title: str, report: Mapping[str, Any]) -> None:
    """Put a report that was checked on the dashboard, or in the place of ``card``.

    Raises:
        ValidationError: it has no title.
        Blocked: the dashboard is full.
    """
    if card is None:
        card = DashboardCard(width=1 if report["chart"] in ("number", "doughnut") else 2)
        card.title, card.report = _title(title), dict(report)
        _append(dashboard, card)
    else:
        card.title, card.report = _title(title), dict(report)


def _append(dashboard: Dashboard, card: DashboardCard) -> None:
    if len(dashboard.cards) >= MOST_CARDS:
        raise Blocked(_("This dashboard is full."))
    card.position = max((other.position for other in dashboard.cards), default=-1) + 1
    dashboard.cards.append(card)


def step(dashboard: Dashboard, card: DashboardCard, by: int) -> None:
    """Move a card by so many places."""
    order = [other for other in dashboard.cards if other is not card]
    order.insert(max(0, min(dashboard.cards.index(card) + by, len(order))), card)
    _number(order)


def reorder(dashboard: Dashboard, ids: Sequence[int]) -> None:
    """Bring the cards into the order of ``ids``; those that are not named stay behind them."""
    place_of = {card_id: number for number, card_id in enumerate(ids)}
    _number(sorted(dashboard.cards, key=lambda card: (place_of.get(card.id, len(ids)), card.position, card.id)))


def _number(order: Sequence[DashboardCard]) -> None:
    for position, card in enumerate(order):
        card.position = position


def widen(card: DashboardCard, by: int) -> None:
    """Make a card wider or narrower within the grid."""
    card.width = max(1, min(card.width + by, WIDEST))


def _title(text: str) -> str:
    title = " ".join(text.split())[:TITLE_LENGTH]
    if not title:
        raise ValidationError(title=_("This field is required."))
    return title


def _actor_id() -> int:
    user_id = acting().user_id
    if user_id is None:
        raise Blocked(_("Only people have dashboards."))
    return user_id
