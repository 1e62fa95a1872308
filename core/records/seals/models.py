"""What was sealed, and the narrow opening through which old rows are removed.

    core_audit   | 1 2 3 ... 4100 | 4101 ... 4390 | 4391 4392 ...
    seals        |     seal 1     |    seal 2     | not sealed yet
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, deferred, mapped_column

from core.accounts.models import Base, now
from core.database.types import UtcDateTime
from core.records.audit import ROW_ID


class Seal(Base):
    """A keyed digest over all audit rows after the seal before it, up to ``last_id``, and over that seal's digest.

    ``size`` is how many rows are covered. ``key_id`` tells keys apart. ``hints`` are four bytes for each row, by which
    a changed one is found; they prove nothing by themselves.

    Where old rows were removed, one ``mark`` stands for the seals that covered them: ``number``, ``last_id`` and
    ``digest`` are those of the last of these, ``previous`` is that of the first, ``removed`` is how many rows went, and
    ``mark`` is the digest over the ``size`` rows that stayed.
    """

    __tablename__ = "core_audit_seal"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_id: Mapped[int] = mapped_column(sa.BigInteger)
    last_id: Mapped[int] = mapped_column(sa.BigInteger)
    size: Mapped[int] = mapped_column()
    previous: Mapped[str] = mapped_column(sa.String(64), default="")
    digest: Mapped[str] = mapped_column(sa.String(64))
    key_id: Mapped[str] = mapped_column(sa.String(16))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    hints: Mapped[bytes] = deferred(mapped_column(sa.LargeBinary))
    removed: Mapped[int] = mapped_column(default=0)
    mark: Mapped[str | None] = mapped_column(sa.String(64))


class AuditOpening(Base):
    """While a row is here, in the one transaction that put it here, audit rows up to ``last_id`` can be removed."""

    __tablename__ = "core_audit_opening"

    last_id: Mapped[int] = mapped_column(ROW_ID, primary_key=True, autoincrement=False)


SEALS: sa.Table = Seal.__table__  # type: ignore[assignment]
OPENINGS: sa.Table = AuditOpening.__table__  # type: ignore[assignment]
