"""Mappings that were kept: the next file with the same header is read the way the last one was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.accounts.models import now
from core.records.transfer.mapping import title_key
from core.records.transfer.models import ImportMapping, ImportRun
from core.records.transfer.targets import Target

# Options that belong to one file and not to all of its kind.
_OF_THE_FILE = frozenset({"encoding", "separator", "kept"})
NAME_LENGTH = 120


def header_key(header: Sequence[str]) -> str:
    """What headers with the same titles share, whatever the order of their columns."""
    return hashlib.sha256("\n".join(sorted(map(title_key, header))).encode()).hexdigest()


def recognised(session: Session, record_type: str, header: Sequence[str]) -> ImportMapping | None:
    """The mapping used last for such a header: one's own, or one that is shared."""
    own = sa.or_(ImportMapping.user_id == acting().user_id, ImportMapping.shared)
    query = sa.select(ImportMapping).where(
        ImportMapping.record_type == record_type, ImportMapping.header_key == header_key(header), own
    )
    mine_first = (ImportMapping.user_id == acting().user_id).desc()
    return session.scalars(query.order_by(mine_first, ImportMapping.used_at.desc(), ImportMapping.id).limit(1)).first()


def apply(kept: ImportMapping, header: Sequence[str], target: Target) -> dict[int, str]:
    """The mapping for this header; what the record type does not have any more is left out."""
    titles = {title_key(title): name for title, name in kept.titles.items() if name in target.by_name}
    kept.used_at = now()
    found = ((position, titles.get(title_key(title))) for position, title in enumerate(header))
    return {position: name for position, name in found if name is not None}


def keep(
    session: Session, run: ImportRun, header: Sequence[str], name: str, *, shared: bool, options: Mapping[str, Any]
) -> ImportMapping:
    """Keep the mapping of an import under a name; one of one's own for the same header and name is replaced."""
    user_id = acting().user_id
    key, name = header_key(header), " ".join(name.split())[:NAME_LENGTH]
    query = sa.select(ImportMapping).where(
        ImportMapping.record_type == run.record_type, ImportMapping.header_key == key,
        ImportMapping.user_id == user_id, ImportMapping.name == name,
    )  # fmt: skip
    kept = session.scalars(query).first()
    if kept is None:
        kept = ImportMapping(record_type=run.record_type, name=name, header_key=key, user_id=user_id)
        session.add(kept)
    kept.titles = {header[position]: column for position, column in run.columns.items()}
    kept.options = {key: value for key, value in options.items() if key not in _OF_THE_FILE}
    kept.shared, kept.used_at = shared, now()
    return kept
