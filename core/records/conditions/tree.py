"""The nodes of a condition, as ``parse`` makes them: every name resolved, every value read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.records.catalog import RecordType, Reference
from core.records.conditions.operators import Operator
from core.records.fields import Field

# What a tree may weigh. One that a person can still read is far below; one beyond would weigh on the database.
MAX_DEPTH = 8
MAX_NODES = 200
MAX_STEPS = 4
MAX_VALUES = 200
MAX_TEXT = 400
MAX_JSON = 20_000


@dataclass(frozen=True)
class Path:
    """A field, and the links that lead to it from the record: ``company.city`` is the link company and the field city.

    ``name`` is what stands in the tree.
    """

    name: str
    steps: tuple[Field, ...]
    field: Field


@dataclass(frozen=True)
class Group:
    """True when all of the parts are (``all``), or at least one is (``any``)."""

    joint: str
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Negation:
    """True when the part is not."""

    part: Node


@dataclass(frozen=True)
class Comparison:
    """A field compared with a value. ``value`` is what ``core.records.conditions.values`` made of ``raw``."""

    path: Path
    operator: Operator
    value: Any
    raw: Any


@dataclass(frozen=True)
class RelatedCount:
    """The number of records that point here by ``reference`` and match ``where``, compared with a number."""

    reference: Reference
    where: Condition | None
    operator: Operator
    value: Any


@dataclass(frozen=True)
class Words:
    """True when the record is found by every word of ``text``."""

    text: str


Node = Group | Negation | Comparison | RelatedCount | Words


@dataclass(frozen=True)
class Condition:
    """A tree that was read against the fields of ``record_type``."""

    record_type: RecordType
    root: Node

    @cached_property
    def tree(self) -> dict[str, Any]:
        """The tree as JSON, in its one form: what people typed as ``۵ مرداد`` is an ISO date in it."""
        return _plain(self.root)

    @property
    def text(self) -> str:
        """The tree as text, for an address or a column."""
        return json.dumps(self.tree, ensure_ascii=False, separators=(",", ":"))

    @property
    def is_everything(self) -> bool:
        """Whether it asks for nothing, so that every record matches."""
        return isinstance(self.root, Group) and self.root.joint == "all" and not self.root.parts

    def nodes(self) -> Iterator[Node]:
        """Every node, a group before its parts; those inside a count are not among them."""
        return _walk(self.root)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for part in node.parts if isinstance(node, Group) else (node.part,) if isinstance(node, Negation) else ():
        yield from _walk(part)


def _plain(node: Node) -> dict[str, Any]:
    match node:
        case Group():
            return {node.joint: [_plain(part) for part in node.parts]}
        case Negation():
            return {"not": _plain(node.part)}
        case Words():
            return {"search": node.text}
        case RelatedCount():
            counted: dict[str, Any] = {"count": node.reference.name}
            if node.where is not None:
                counted["where"] = node.where.tree
            value = list(node.value) if isinstance(node.value, tuple) else node.value
            return counted | {"op": node.operator.name, "value": value}
    leaf = {"field": node.path.name, "op": node.operator.name}
    return leaf if node.operator.shape == "none" else leaf | {"value": node.raw}
