"""A report as a page shows it: a table with a link from every figure to its records, and the numbers of its chart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.calendars import Period, quarter_of
from core.parts import Report
from core.records.fields import Field
from core.reports.definition import MEASURES, Source
from core.reports.figures import MOST_GROUPS, NO_CURRENCY, Row, periods_of
from core.reports.kept import figures
from core.site.formats import (
    format_digits,
    format_local_date,
    format_money,
    format_number,
    format_percent,
    reader_today,
)
from core.site.reader import preferences

OTHERS = object()


@dataclass
class Sum:
    """What the records of one figure add up to, by currency."""

    count: int = 0
    filled: dict[str, int] = field(default_factory=dict)
    totals: dict[str, Decimal] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Take the records of a row in."""
        self.count += row.count
        self.filled[row.currency] = self.filled.get(row.currency, 0) + row.filled
        self.totals[row.currency] = self.totals.get(row.currency, Decimal(0)) + row.total


@dataclass(frozen=True)
class Cell:
    """A figure: as text, as a number for the chart, where its records are, and its values by currency."""

    text: str
    number: float
    url: str | None = None
    values: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """A row of the table; ``cells`` are one per split, ``whole`` is all of them together."""

    label: str
    cells: tuple[Cell, ...]
    whole: Cell


@dataclass(frozen=True)
class ShownReport:
    """Everything a template draws a report from.

    ``currency`` is the one the chart is drawn in where there are several; ``change`` compares the current period with
    the one before, as text, with ``rising`` for its direction.
    """

    chart: str
    head: str
    measure: str
    splits: tuple[str, ...]
    lines: tuple[Line, ...]
    total: Cell
    counted_at: dt.datetime | None
    list_url: str
    currency: str = ""
    change: str = ""
    rising: bool | None = None
    before: str = ""
    currencies: tuple[str, ...] = (NO_CURRENCY,)

    @property
    def columns(self) -> list[str]:
        """The heads of the table as a file has them: one per split and currency."""
        named = self.splits or (self.measure,)
        several = len(self.currencies) > 1
        return [f"{name} ({code})" if several else name for name in named for code in self.currencies]

    @property
    def plain_rows(self) -> list[tuple[str, list[Decimal | None]]]:
        """The lines as a file has them."""
        return [
            (line.label, [cell.values.get(code) for cell in line.cells for code in self.currencies])
            for line in self.lines
        ]


def show(session: Session, report: Report, origin: Source, patience: float | None = None) -> ShownReport:
    """The figures of a checked report with their labels and links.

    Raises:
        TooSlow: counting took longer than ``patience``, in seconds.
        ValidationError: a filter is unknown to the list by now.
    """
    return _Shown(session, report, origin, patience).built()


class _Shown:
    """One report being put together."""

    def __init__(self, session: Session, report: Report, origin: Source, patience: float | None) -> None:
        self.session, self.report, self.origin = session, report, origin
        self.periods = periods_of(report, origin)
        self.number = origin.numbers.get(report.number) if report.measure != "count" else None
        self.group = origin.groups.get(report.group)
        self.split = origin.groups.get(report.split)
        found = figures(session, report, origin, patience)
        self.rows, self.counted_at = found.rows, found.counted_at
        self.currency = self._main_currency()
        asked = origin.asked(report)
        self._counter = len(asked.filters)
        # A table may have a thousand figures: what their addresses have in common is written once.
        self._list_url = url_for(f"{origin.view.screen.endpoint}.index_view")
        self._base = urlencode(origin.view.query.arguments(asked))
        self._written: dict[tuple[int, str, Any], str] = {}

    def _main_currency(self) -> str:
        """The currency that most records have: a chart has one axis."""
        counts: dict[str, int] = {}
        for row in self.rows:
            counts[row.currency] = counts.get(row.currency, 0) + row.count
        return max(counts, key=lambda code: (counts[code], code), default=NO_CURRENCY)

    def built(self) -> ShownReport:
        groups = self._keys(self.group, [row.group for row in self.rows], self.periods)
        splits = self._keys(self.split, [row.split for row in self.rows], [])
        self._add_up({key for key, _label in groups}, {key for key, _label in splits})
        compared = self._compared() if self.report.chart == "number" and self.periods else {}
        return ShownReport(
            chart=self.report.chart,
            head=str(self.group.label) if self.group else "",
            measure=self._measure(),
            splits=tuple(label for _key, label in splits) if self.split else (),
            lines=tuple(self._line(key, label, splits) for key, label in groups),
            counted_at=self.counted_at,
            list_url=self._url({}) or "",
            currencies=tuple(sorted({row.currency for row in self.rows})) or (NO_CURRENCY,),
            currency=self.currency if len({row.currency for row in self.rows}) > 1 else "",
            **{"total": self._cell(self.all, {}), **compared},
        )

    def _add_up(self, groups: set[Any], splits: set[Any]) -> None:
        """The sums of every figure, of every line and of all; what has no line of its own is among the others."""
        self.sums: dict[tuple[Any, Any], Sum] = {}
        self.wholes: dict[Any, Sum] = {}
        self.all = Sum()
        for row in self.rows:
            group = row.group if row.group in groups else OTHERS
            split = row.split if row.split in splits else OTHERS
            self.sums.setdefault((group, split), Sum()).add(row)
            self.wholes.setdefault(group, Sum()).add(row)
            self.all.add(row)

    def _measure(self) -> str:
        label = str(MEASURES[self.report.measure])
        return f"{self.number.label}: {label}" if self.number is not None else label

    # --- groups

    def _keys(self, field_: Field | None, found: Sequence[Any], periods: Sequence[Period]) -> list[tuple[Any, str]]:
        """The groups in the order they are shown, each with its label; an empty value is one of them."""
        if field_ is None:
            return [("", "")]
        values = set(found)
        keys: list[tuple[Any, str]]
        if periods:
            keys = [(place, self._period_name(period)) for place, period in enumerate(periods)]
            if -1 in values:
                keys.insert(0, (-1, _("Earlier")))
            if len(periods) in values:
                keys.append((len(periods), _("Later")))
        elif field_.kind == "choice":
            keys = [(option.code, str(option.label)) for option in field_.options]
            keys = [entry for entry in keys if entry[0] in values or field_ is self.group]
        elif field_.kind == "boolean":
            keys = [(True, _("Yes")), (False, _("No"))]
        else:
            keys = self._linked(field_, found)
        if None in values:
            keys.append((None, _("None")))
        if values - {key for key, _label in keys}:
            keys.append((OTHERS, _("Others")))
        return keys

    def _linked(self, field_: Field, found: Sequence[Any]) -> list[tuple[Any, str]]:
        """The linked records that the actor may see, in their own order, or the largest groups first."""
        weights: dict[Any, int] = {}
        index = 0 if field_ is self.group else 1
        for row in self.rows:
            key = (row.group, row.split)[index]
            weights[key] = weights.get(key, 0) + row.count
        target: Any = field_.target
        known = (key for key in weights if key is not None)
        largest = sorted(known, key=lambda key: (-weights[key], key))[:MOST_GROUPS]
        records = self.session.scalars(sa.select(target).where(target.id.in_(largest))).unique().all()
        if "position" in sa.inspect(target).column_attrs:
            ordered = sorted(records, key=lambda record: (record.position, record.id))
        else:
            ordered = sorted(records, key=lambda record: (-weights[record.id], record.id))
        return [(record.id, str(record)) for record in ordered]

    def _period_name(self, period: Period) -> str:
        if self.report.every == "month":
            return format_local_date(period.first, "month")
        if self.report.every == "week":
            return format_local_date(period.first)
        year, quarter = quarter_of(period.first, preferences().calendar)
        if self.report.every == "year":
            return format_digits(year)
        return _("Quarter %(n)s of %(year)s", n=format_digits(quarter), year=format_digits(year))

    # --- figures

    def _line(self, key: Any, label: str, splits: list[tuple[Any, str]]) -> Line:
        inside = self._narrowed(self.group, key, self.periods)
        cells = []
        for split, _label in splits:
            more = self._narrowed(self.split, split, [])
            arguments = None if inside is None or more is None else {**inside, **more}
            cells.append(self._cell(self.sums.get((key, split), Sum()), arguments))
        return Line(label, tuple(cells), self._cell(self.wholes.get(key, Sum()), inside))

    def _cell(self, total: Sum, arguments: dict[str, Any] | None) -> Cell:
        values = {code: self._value(total, code) for code in sorted(total.totals)}
        number = float(values.get(self.currency, 0) if self.number is not None else total.count)
        url = self._url(arguments) if total.count and arguments is not None else None
        if self.number is None:
            values = {NO_CURRENCY: Decimal(total.count)}
        return Cell(self._text(total, values), number, url, values)

    def _value(self, total: Sum, code: str) -> Decimal:
        if self.report.measure != "average":
            return total.totals[code]
        return total.totals[code] / total.filled[code] if total.filled[code] else Decimal(0)

    def _text(self, total: Sum, values: dict[str, Decimal]) -> str:
        if self.number is None:
            return format_number(total.count)
        write: Callable[[Decimal, str], str] = format_money if self.number.kind == "money" else _number_text
        shown = [write(value, code) for code, value in values.items() if value]
        return " + ".join(shown) or format_number(0)

    def _compared(self) -> dict[str, Any]:
        """The current period against the one before."""
        today = reader_today()
        at = next((place for place, period in enumerate(self.periods) if period.first <= today <= period.last), 0)
        this = self._cell(self.wholes.get(at, Sum()), self._narrowed(self.group, at, self.periods))
        earlier = self._cell(self.wholes.get(at - 1, Sum()), {}) if at else None
        extra: dict[str, Any] = {"total": this}
        if earlier is not None and earlier.number:
            share = (this.number - earlier.number) / abs(earlier.number)
            extra |= {"change": format_percent(abs(share)), "rising": None if not share else share > 0}
        if earlier is not None:
            extra["before"] = earlier.text
        return extra

    # --- links to the records

    def _narrowed(self, field_: Field | None, key: Any, periods: Sequence[Period]) -> dict[str, Any] | None:
        """What narrows the list to one group; None where the list knows no such filter."""
        if field_ is None:
            return {}
        if key is OTHERS:
            return None
        name = field_.name
        if key is None:
            return None if field_.kind == "boolean" else {f"{name}__empty": 1}
        if not periods:
            return {f"{name}__eq": int(key) if field_.kind == "boolean" else key}
        if key < 0:
            return {f"{name}__le": (periods[0].first - dt.timedelta(days=1)).isoformat()}
        if key >= len(periods):
            return {f"{name}__ge": (periods[-1].last + dt.timedelta(days=1)).isoformat()}
        return {f"{name}__ge": periods[key].first.isoformat(), f"{name}__le": periods[key].last.isoformat()}

    def _url(self, arguments: dict[str, Any] | None) -> str | None:
        """The list narrowed by the report's own filters and by ``arguments``."""
        if arguments is None:
            return None
        parts = [self._base] if self._base else []
        parts += [self._argument(n, *entry) for n, entry in enumerate(arguments.items(), self._counter)]
        return f"{self._list_url}?{'&'.join(parts)}" if parts else self._list_url

    def _argument(self, number: int, name: str, value: Any) -> str:
        key = (number, name, value)
        if key not in self._written:
            self._written[key] = urlencode({f"flt{number}_{name}": value})
        return self._written[key]


def _number_text(value: Decimal, _currency: str) -> str:
    return format_number(value)
