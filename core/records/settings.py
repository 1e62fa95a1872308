"""What administrators set for the whole installation while it runs. Only names that a module declared are known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts.models import Base, now
from core.database.types import UtcDateTime
from core.errors import ValidationError
from core.records.audit import record_act

AUDITED = "core.setting"

Value = TypeVar("Value")


class SettingValue(Base):
    """A setting that differs from its default, or once did."""

    __tablename__ = "core_setting"

    name: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    value: Mapped[Any] = mapped_column(sa.JSON)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)


@dataclass(frozen=True)
class InstallationSetting(Generic[Value]):
    """One setting: ``<plugin>.<name>``, what holds while nobody set it, and whether a value can be stored."""

    name: str
    default: Value
    accepts: Callable[[Any], bool]

    def read(self, session: Session) -> Value:
        """The value now; the default too where a stored one is no longer accepted."""
        stored = session.scalar(sa.select(SettingValue.value).where(SettingValue.name == self.name))
        return stored if stored is not None and self.accepts(stored) else self.default

    def write(self, session: Session, value: Value) -> bool:
        """Store a value and audit the change; the caller commits. Whether it differs from what was there.

        Raises:
            ValidationError: the value is not accepted.
        """
        if not self.accepts(value):
            raise ValidationError(**{self.name.rpartition(".")[2]: _("This value cannot be used.")})
        before = self.read(session)
        if before == value:
            return False
        row = session.get(SettingValue, self.name)
        if row is None:
            session.add(SettingValue(name=self.name, value=value))
        else:
            row.value = value
        session.flush()
        record_act(session, AUDITED, "changed", {self.name: (before, value)})
        return True


def whole_number(least: int, most: int) -> Callable[[Any], bool]:
    """Accepts whole numbers from ``least`` to ``most``."""
    return lambda value: type(value) is int and least <= value <= most
