"""A row's values put into a record that exists, or into an earlier row about the same one."""

from __future__ import annotations

from typing import Any

from core.records.transfer.drafts import Draft
from core.records.transfer.targets import PartPlan, Target


def fill_record(target: Target, record: Any, draft: Draft, existing: str, blank: str) -> bool:
    """Change ``record`` as the row says; whether there was anything to change.

    Args:
        target: what is imported.
        record: in a session, with its parts and links.
        draft: the row.
        existing: ``replace`` what is there, or ``fill`` only what is lacking.
        blank: ``empty`` the fields whose cells are empty, or ``keep`` them.
    """
    replace = existing == "replace"
    changed = _fill_values(target, record, draft, replace=replace)
    for name, linked in draft.linked.items():
        if target.record_type.fields[name].kind == "links":
            absent = [entry for entry in linked if entry not in getattr(record, name)]
            getattr(record, name).extend(absent)
            changed = changed or bool(absent)
        elif linked is not None and linked is not getattr(record, name) and (replace or getattr(record, name) is None):
            setattr(record, name, linked)
            changed = True
    for name, parts in draft.parts.items():
        changed = _fill_parts(target.parts[name], record, parts, replace=replace) or changed
    if blank == "empty":
        changed = _empty(target, record, draft) or changed
    return changed


def fill_draft(target: Target, first: Draft, other: Draft) -> None:
    """Take over into an earlier row what it lacks from a later one about the same record."""
    together = target.hints.together
    named = any(first.values.get(name) for name in together)
    for key, value in other.values.items():
        if first.values.get(key) in (None, "") and not (named and key in together):
            first.values[key] = value
    for name, linked in other.linked.items():
        if target.record_type.fields[name].kind == "links":
            first.linked[name] = list(dict.fromkeys([*first.linked.get(name, []), *linked]))
        elif first.linked.get(name) is None:
            first.linked[name] = linked
    for name, parts in other.parts.items():
        plan = target.parts[name]
        present = first.parts.setdefault(name, [])
        if len(plan.values) > 1 and present:
            continue
        main = plan.main.name
        present.extend(part for part in parts if part.get(main) not in [entry.get(main) for entry in present])
    if other.note not in first.note:
        first.note = "\n\n".join(note for note in (first.note, other.note) if note)


def _fill_values(target: Target, record: Any, draft: Draft, *, replace: bool) -> bool:
    together = target.hints.together
    named = any(getattr(record, name) for name in together)
    changed = False
    for key, value in draft.values.items():
        if value is None or key in target.hints.derived:
            continue
        present = getattr(record, key)
        if present == value or (not replace and present not in (None, "")):
            continue
        if not replace and named and key in together:
            continue
        setattr(record, key, value)
        changed = True
    return changed


def _fill_parts(plan: PartPlan, record: Any, parts: list[dict[str, Any]], *, replace: bool) -> bool:
    rows = getattr(record, plan.field.name)
    main = plan.main.name
    if len(plan.values) > 1:
        return _fill_several(plan, rows, parts, replace=replace)
    present = {getattr(row, main) for row in rows}
    absent = [part for part in parts if part[main] not in present]
    rows.extend(plan.part(**part) for part in absent)
    return bool(absent)


def _fill_several(plan: PartPlan, rows: Any, parts: list[dict[str, Any]], *, replace: bool) -> bool:
    """Parts of several values, such as addresses: the one with the same label is changed, or one is added."""
    if rows and not replace:
        return False
    label = plan.label.name if plan.label is not None else ""
    free, rest = list(rows), []
    for part in parts:
        equal = next((row for row in free if all(getattr(row, key) == value for key, value in part.items())), None)
        if equal is None:
            rest.append(part)
        else:
            free.remove(equal)
    changed = False
    for part in rest:
        same = next((row for row in free if label and getattr(row, label) == part[label]), None)
        if same is not None:
            free.remove(same)
        else:
            rows.append(plan.part(**part))
            changed = True
            continue
        for key, value in part.items():
            if value is not None and getattr(same, key) != value:
                setattr(same, key, value)
                changed = True
    return changed


def _empty(target: Target, record: Any, draft: Draft) -> bool:
    changed = False
    for name in draft.blank:
        field = target.record_type.fields[name]
        optional = field.column is not None and field.column.nullable and not field.required
        if field.kind in ("links", "children") or not optional or name in target.hints.derived:
            continue
        if getattr(record, name) is not None and draft.values.get(name) is None and draft.linked.get(name) is None:
            setattr(record, name, None)
            changed = True
    return changed
