"""A condition while it is being built: rows and groups as a form sends them, unfinished ones too.

Every box of the form is named after its place: ``c`` is the outermost group, ``c.0`` its first part, ``c.0.2`` the
third part of a group in the first place, ``c.1.w`` the group of conditions on the records that ``c.1`` counts. So the
form works without a script, and whatever was typed comes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from core.records.conditions.tree import MAX_DEPTH, MAX_NODES

ALL, ANY, NONE = "all", "any", "none"
JOINTS = (ALL, ANY, NONE)
COUNT = "#"
"""What the name of a count begins with, among the names of fields."""
WORDS = "?"
"""The name of a search, among the names of fields."""
_ACTION = re.compile(r"(add|group|remove) ([a-z]+(?:\.(?:[0-9]{1,3}|w))*)")


@dataclass
class Row:
    """One condition: the name of what is asked about, the operator, and what was typed as its value.

    ``mode`` says how a day is told: a date, today, or so many days from today. ``where`` is the group of conditions on
    counted records. ``before`` is the name that the row had when the page was made.
    """

    name: str = ""
    operator: str = ""
    values: list[str] = field(default_factory=list)
    mode: str = ""
    where: Group | None = None
    before: str = ""
    fresh: bool = False


@dataclass
class Group:
    """Conditions of which all, any or none must hold."""

    joint: str = ALL
    parts: list[Row | Group] = field(default_factory=list)
    fresh: bool = False


def read(arguments: MultiDict[str, str], prefix: str) -> Group:
    """The draft that a form sent, after the action whose button was pressed (``do``)."""
    draft = _read_group(arguments, prefix, 0, iter(range(MAX_NODES)))
    match = _ACTION.fullmatch(arguments.get("do", ""))
    if match is not None and match[2].partition(".")[0] == prefix:
        _act(draft, match[1], match[2].split(".")[1:])
    return draft


def is_sent(arguments: MultiDict[str, str], prefix: str) -> bool:
    """Whether a form of this builder was sent, and not only its page asked for."""
    return f"{prefix}.j" in arguments


def _read_group(arguments: MultiDict[str, str], place: str, depth: int, budget: Iterator[int]) -> Group:
    joint = arguments.get(f"{place}.j", ALL)
    group = Group(joint if joint in JOINTS else ALL)
    if depth > MAX_DEPTH:
        return group
    for number in _numbers(arguments, place):
        if next(budget, None) is None:
            break
        here = f"{place}.{number}"
        if f"{here}.j" in arguments:
            group.parts.append(_read_group(arguments, here, depth + 1, budget))
        else:
            group.parts.append(_read_row(arguments, here, depth, budget))
    return group


def _read_row(arguments: MultiDict[str, str], place: str, depth: int, budget: Iterator[int]) -> Row:
    row = Row(
        arguments.get(f"{place}.f", ""),
        arguments.get(f"{place}.o", ""),
        arguments.getlist(f"{place}.v") + arguments.getlist(f"{place}.n"),
        arguments.get(f"{place}.m", ""),
        before=arguments.get(f"{place}.b", ""),
    )
    if row.name.startswith(COUNT) and f"{place}.w.j" in arguments:
        row.where = _read_group(arguments, f"{place}.w", depth + 1, budget)
    return row


def _numbers(arguments: MultiDict[str, str], place: str) -> list[int]:
    pattern = re.compile(re.escape(place) + r"\.([0-9]{1,3})\.[fj]")
    return sorted({int(match[1]) for name in arguments if (match := pattern.fullmatch(name))})


def _act(draft: Group, action: str, steps: Sequence[str]) -> None:
    """Add a condition or a group to the group at ``steps``, or remove what is there."""
    if action == "remove":
        if not steps:
            draft.parts.clear()
            return
        group = _at(draft, steps[:-1])
        if isinstance(group, Row) and steps[-1] == "w":
            group.where = None
        elif isinstance(group, Group) and steps[-1].isdigit() and int(steps[-1]) < len(group.parts):
            group.parts.pop(int(steps[-1]))
        return
    target = _at(draft, steps)
    if isinstance(target, Row):
        target.where = target.where or Group()
        target = target.where
    if target is not None:
        fresh = Row(fresh=True)
        target.parts.append(fresh if action == "add" else Group(ANY, [fresh]))


def _at(draft: Group, steps: Sequence[str]) -> Row | Group | None:
    found: Row | Group | None = draft
    for step in steps:
        if isinstance(found, Row):
            found = found.where if step == "w" else None
        elif isinstance(found, Group) and step.isdigit() and int(step) < len(found.parts):
            found = found.parts[int(step)]
        else:
            return None
    return found


def opened(tree: dict[str, Any]) -> Group:
    """The draft of a tree that is to be changed."""
    draft = _opened(tree)
    return draft if isinstance(draft, Group) else Group(ALL, [draft])


def _opened(tree: dict[str, Any]) -> Row | Group:
    if "not" in tree:
        inner = tree["not"]
        if isinstance(inner, dict) and "any" in inner:
            return Group(NONE, [_opened(part) for part in inner["any"]])
        return Group(NONE, [_opened(inner)])
    for joint in (ALL, ANY):
        if joint in tree:
            return Group(joint, [_opened(part) for part in tree[joint]])
    if "search" in tree:
        return Row(WORDS, "search", [str(tree["search"])])
    values = tree.get("value")
    typed = [] if values is None else [_typed(one) for one in (values if isinstance(values, list) else [values])]
    if "count" in tree:
        where = opened(tree["where"]) if tree.get("where") else None
        return Row(COUNT + tree["count"], tree["op"], typed, where=where)
    return Row(tree["field"], tree["op"], typed)


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)
