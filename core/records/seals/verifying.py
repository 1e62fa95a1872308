"""Whether the audit is what was sealed; told seal by seal, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from core.records.seals.anchor import Anchor
from core.records.seals.digest import COLUMNS, HINT, ROWS, RowDigest, SealKey, hint, mark_digest, row_line, seal_digest
from core.records.seals.models import SEALS

BATCH = 1000


@dataclass(frozen=True)
class Verdict:
    """What a look at the whole audit found.

    ``seals`` and ``rows`` agree with what was sealed, ``unsealed`` rows are too new, ``removed`` rows went
    because of their age. ``problem`` is a sentence about the first thing that does not agree, or empty. ``newest``
    is the seal that an anchor written now would name.
    """

    seals: int = 0
    rows: int = 0
    unsealed: int = 0
    removed: int = 0
    problem: str = ""
    newest: Anchor | None = None


def verify(connection: Connection, keys: Mapping[str, SealKey], anchor: Anchor | None) -> Verdict:
    """Recompute every seal.

    Args:
        connection: inside a transaction that shows one moment.
        keys: the installation's key and earlier ones, by name.
        anchor: the seal that is known from outside of the database, if any.
    """
    seals = rows = removed = 0
    last: Row[Any] | None = None
    for seal in _seals(connection):
        problem = _break(seal, last) or check_seal(connection, seal, last, keys) or _against(anchor, seal)
        if problem:
            return Verdict(seals, rows, 0, removed, problem)
        seals, rows, removed, last = seals + 1, rows + seal.size, removed + seal.removed, seal
    after = sa.select(sa.func.count()).select_from(ROWS)
    unsealed = connection.scalar(after.where(ROWS.c.id > last.last_id) if last is not None else after) or 0
    problem = ""
    if anchor is not None and (last is None or last.number < anchor.number):
        ends = f"the last one in the database is seal {last.number}" if last is not None else "the database has none"
        problem = f"The anchor names seal {anchor.number} of {anchor.at}, but {ends}: the end of the audit was cut off."
    newest = Anchor(last.number, last.digest, last.last_id, last.at.isoformat()) if last is not None else None
    return Verdict(seals, rows, unsealed, removed, problem, newest)


def check_seal(connection: Connection, seal: Any, last: Any, keys: Mapping[str, SealKey]) -> str:
    """A sentence about what is wrong with the rows of a seal, or nothing.

    Args:
        connection: inside a transaction that shows one moment.
        seal: a row of seals.
        last: the seal before it, None before the first.
        keys: the known keys by name.
    """
    key = keys.get(seal.key_id)
    if key is None:
        return f"{_named(seal)} was made with another secret key; if there was an earlier one, name it: --earlier-key"
    digest = RowDigest(key)
    for row in connection.execute(_rows(seal, last)):
        digest.add(row)
    own = seal_digest(digest, seal.number, seal.last_id, seal.previous, seal.at)
    if seal.mark is not None:
        if mark_digest(digest, seal) == seal.mark:
            return ""
        return f"{_named(seal)}: rows that were kept, or the mark itself, are not as they were."
    if digest.count == seal.size and own == seal.digest:
        return ""
    return f"{_named(seal)}: {_first_difference(connection, seal, last, key)}"


def _seals(connection: Connection) -> Iterator[Row[Any]]:
    columns = [column for column in SEALS.c if column.name != "hints"]
    number = None
    while True:
        some = sa.select(*columns).order_by(SEALS.c.number).limit(BATCH)
        found = connection.execute(some if number is None else some.where(SEALS.c.number > number)).all()
        if not found:
            return
        yield from found
        number = found[-1].number


def _named(seal: Any) -> str:
    if seal.mark is not None:
        return f"The mark of removed rows up to row {seal.last_id}"
    return f"Seal {seal.number} (rows {seal.first_id} to {seal.last_id})"


def _break(seal: Any, last: Any) -> str:
    """What is wrong between two seals."""
    if last is None:
        gap = f"Seal {seal.number} is the first in the database; those before it are gone."
        return gap if seal.previous or (seal.number != 1 and seal.mark is None) else ""
    if seal.number != last.number + 1 and seal.mark is None:
        return f"Seals {last.number + 1} to {seal.number - 1} are missing."
    if seal.previous != last.digest or seal.last_id < last.last_id:
        return f"Seal {seal.number} does not go on from seal {last.number}: one of the two was replaced."
    return ""


def _against(anchor: Anchor | None, seal: Any) -> str:
    if anchor is not None and seal.number == anchor.number and seal.digest != anchor.digest:
        return f"Seal {seal.number} is not the one that the anchor names: the audit was replaced from here or before."
    return ""


def _rows(seal: Any, last: Any) -> sa.Select[Any]:
    """The rows of a seal; one that lies between two seals belongs to the later, and so is found."""
    wanted = sa.select(*COLUMNS).where(ROWS.c.id <= seal.last_id).order_by(ROWS.c.id)
    wanted = wanted.execution_options(yield_per=BATCH)
    return wanted.where(ROWS.c.id > last.last_id) if last is not None else wanted


def _first_difference(connection: Connection, seal: Any, last: Any, key: SealKey) -> str:
    """Which row was changed, taken away or added, told by the hints."""
    kept = connection.scalar(sa.select(SEALS.c.hints).where(SEALS.c.number == seal.number)) or b""
    hints = [kept[place : place + HINT] for place in range(0, len(kept), HINT)]
    found = [(row[0], hint(row_line(row), key.secret)) for row in connection.execute(_rows(seal, last))]
    place = next((n for n, (hinted, (_id, own)) in enumerate(zip(hints, found, strict=False)) if hinted != own), None)
    if place is None:
        if len(found) < len(hints):
            return f"the last {len(hints) - len(found)} of its rows are missing."
        if len(found) > len(hints):
            return f"row {found[len(hints)][0]} was added."
        return "one of its rows, or the seal itself, is not as it was."
    more, fewer = len(found) - len(hints), len(hints) - len(found)
    if fewer > 0 and place + fewer < len(hints) and hints[place + fewer] == found[place][1]:
        before = found[place - 1][0] if place else (last.last_id if last is not None else 0)
        return f"{'a row' if fewer == 1 else f'{fewer} rows'} between {before} and {found[place][0]} missing."
    if more > 0 and place + more < len(found) and hints[place] == found[place + more][1]:
        return f"row {found[place][0]} was added."
    return f"row {found[place][0]} was changed."
