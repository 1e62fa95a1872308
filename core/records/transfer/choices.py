"""What whoever imports a file wants to become of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.records.transfer.matching import ALL, ANY
from core.records.transfer.targets import Target

CREATE, UPDATE, BOTH = "create", "update", "both"
REPLACE, FILL = "replace", "fill"
KEEP, EMPTY = "keep", "empty"


@dataclass(frozen=True)
class Choices:
    """What is to become of rows.

    ``mode`` is create, update or both; ``keys`` tell which record a row is about (none: every row is a new one), any of
    them or all ``together``; ``existing`` says whether values that are there are replaced, or only what is lacking is
    filled; ``blank`` whether an empty cell empties its field; ``create`` names the links whose missing records
    are made.
    """

    mode: str = CREATE
    keys: tuple[str, ...] = ()
    together: bool = False
    existing: str = REPLACE
    blank: str = KEEP
    create: tuple[str, ...] = ()

    @classmethod
    def of(cls, options: Mapping[str, Any], target: Target) -> Choices:
        """The choices made in the wizard; what is not chosen is as the record type suggests."""
        keys = tuple(key for key in options.get("keys", target.hints.keys) if key in target.keys)
        mode = options.get("mode", CREATE)
        return cls(
            mode=mode if mode in (CREATE, UPDATE, BOTH) else CREATE,
            keys=keys,
            together=options.get("match", ANY) == ALL,
            existing=FILL if options.get("existing") == FILL else REPLACE,
            blank=EMPTY if options.get("blank") == EMPTY else KEEP,
            create=tuple(options.get("create", [entry.name for entry in target.links])),
        )
