"""Taking back what an operation did to a batch of records, in one transaction."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, selectinload

from core.accounts.actor import as_system
from core.database.bulk import among
from core.errors import Blocked, UnknownRecordType
from core.records.archive import archive, restore
from core.records.catalog import current_catalog
from core.records.operations import recreating
from core.records.operations.models import Operation, OperationProblem
from core.records.operations.removing import remove_records
from core.records.operations.restoring import fields_of, put
from core.records.operations.running import note_problem, write_each, write_some
from core.records.operations.tracing import Conflict, Trace, conflicts_of, later_rows
from core.records.record import Record

WAITS = ""  # the reason of a record that is looked at again at the end


@dataclass
class Batch:
    """Some records of one undo, in one transaction; ``last`` tells that nothing they wait for comes after."""

    session: Session
    back: Operation
    op: Operation
    traces: Sequence[Trace]
    last: bool = False

    def take_back(self) -> None:
        """Put the records back as they were."""
        for record_type, traces in self._types():
            try:
                model = current_catalog().find(record_type).model
            except UnknownRecordType:
                for trace in traces:
                    self.left(trace, _("Its module is switched off."))
                continue
            self._take_back_type(model, traces)

    def _types(self) -> Iterable[tuple[str, list[Trace]]]:
        types: dict[str, list[Trace]] = defaultdict(list)
        for trace in self.traces:
            types[trace.record_type].append(trace)
        return list(types.items())

    def _take_back_type(self, model: type[Record], traces: Sequence[Trace]) -> None:
        recreating.recreate(self, model, [trace for trace in traces if trace.removed and not trace.made])
        traces = [trace for trace in traces if not trace.removed]
        for system in (False, True):
            some = [trace for trace in traces if trace.system is system]
            with as_system(f"undo {self.op.kind}") if system else contextlib.nullcontext():
                self._put_back(model, some)

    def _put_back(self, model: type[Record], traces: Sequence[Trace]) -> None:
        records = load(self.session, model, traces)
        later = later_rows(self.session, traces, (self.op.id, self.back.id))
        made: list[Record] = []
        changed: list[tuple[Trace, Record, set[str]]] = []
        for trace in traces:
            record = records.get(trace.record_id)
            if record is None:
                self.left(trace, _("It is no longer there, or not yours to see."))
                continue
            conflicts = self._standing(conflicts_of(trace, record, later.get(trace.key, ())))
            if trace.made and not conflicts:
                made.append(record)
            elif trace.made:
                names = ", ".join(str(conflict.label) for conflict in conflicts)
                self.left(trace, _("It was changed since (%(fields)s) and stays.", fields=names))
            else:
                changed.append((trace, record, {conflict.field for conflict in conflicts}))
                for conflict in conflicts:
                    self.left(trace, conflict.sentence)
        for (trace, _record, _but), reason in write_each(self.session, changed, self._restore):
            self.count(trace, reason)
        self._remove(made, {trace.record_id: trace for trace in traces})

    def _standing(self, conflicts: Sequence[Conflict]) -> list[Conflict]:
        """The conflicts that the person did not wave through. Nobody can have meant one that came after the look."""
        if not self.back.plan.get("also"):
            return list(conflicts)
        return [conflict for conflict in conflicts if conflict.audit_id > self.back.plan.get("seen", 0)]

    def _restore(self, item: tuple[Trace, Record, set[str]]) -> None:
        trace, record, but = item
        if trace.archived == (False, True) and record.archived_at is not None:
            restore(record)
            self.session.flush()
        if record.archived_at is not None and trace.fields.keys() - but and trace.archived != (True, False):
            raise Blocked(_("It lies in the recycle bin."))
        for name, (old, new) in trace.fields.items():
            if name not in but:
                put(record, name, old, new)
        if trace.archived == (True, False) and record.archived_at is None:
            # What lies in the bin may not be edited, so it goes there last.
            self.session.flush()
            archive(record)

    def _remove(self, made: Sequence[Record], traces: Mapping[int, Trace]) -> None:
        ids = [record.id for record in made]
        kept: dict[int, str] = {}

        def remove(records: Sequence[Record]) -> None:
            kept.update(remove_records(self.session, records, operation=self.op.id))

        numbers = {id(record): record.id for record in made}
        for record, reason in write_some(self.session, made, remove):
            if reason is not None:
                kept[numbers[id(record)]] = reason
        if not self.last:
            for number in kept:
                row = OperationProblem(record_type=traces[number].record_type, record_id=number, reason=WAITS)
                row.operation_id = self.back.id
                self.session.add(row)
            self.back.size += len(ids) - len(kept)
            return
        binned = [record for record in made if record.id in kept and record.archived_at is None]
        refused = {record.id: reason for record, reason in write_each(self.session, binned, archive) if reason}
        for number in ids:
            trace = traces[number]
            if number not in kept:
                self.back.size += 1
            elif number in refused:
                self.left(trace, kept[number])
            else:
                self.back.size += 1
                self.left(trace, _("It is in the recycle bin now. %(why)s", why=kept[number]))

    def count(self, trace: Trace, reason: str | None) -> None:
        """Count a record that was put back, or write down why it was not."""
        if reason is None:
            self.back.size += 1
        else:
            self.left(trace, reason)

    def left(self, trace: Trace, reason: str) -> None:
        """Write down that a record was left alone, wholly or in part."""
        note_problem(self.session, self.back, trace.record_type, trace.record_id, reason)


def load(session: Session, model: type[Record], traces: Sequence[Trace]) -> dict[int, Record]:
    """The records that the actor may see, those in the bin included, with the lists that the traces tell of."""
    ids = [trace.record_id for trace in traces]
    if not ids:
        return {}
    names = {name for trace in traces if not trace.made for name in trace.fields}
    fields = fields_of(model)
    options = [
        selectinload(getattr(model, name))
        for name in names
        if name in fields and fields[name].kind in ("links", "children")
    ]
    statement = sa.select(model).where(among(model.id, ids, session.get_bind().dialect)).options(*options)
    found = session.scalars(statement.execution_options(include_archived=True)).unique()
    return {record.id: record for record in found}
