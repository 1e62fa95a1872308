"""The view object: what a list, a board, a calendar or an export shows of one record type.

An address, a saved view and a request are three ways of writing the same: ``View.of_address`` reads one,
``View.address`` writes it, and ``definition`` is what is stored. All names are those of the Catalog, so a view outlives
new columns and other languages. ``checked`` takes out what the Catalog no longer knows, and tells what that was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.errors import ConditionError
from core.records.catalog import RecordType
from core.records.conditions import parse
from core.records.order import Sort

_FILTER = re.compile("(?:flt[0-9]*_)?([a-z][a-z0-9_]*__[a-z]+)", re.ASCII)
MODES = ("list", "board", "calendar")


@dataclass(frozen=True)
class View:
    """Condition, search, order, groups and columns of one view.

    ``filters`` are pairs of ``<field>__<operator>`` and a value, short for leaves of a condition; ``where`` is a whole
    tree beside them. ``columns`` are names in their order, none for the screen's own; ``group`` is a field, for dates
    with ``:month`` or ``:year`` behind it. ``mode`` is how it is shown.
    """

    search: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    where: Mapping[str, Any] | None = None
    sort: tuple[Sort, ...] = ()
    group: str = ""
    columns: tuple[str, ...] = ()
    page_size: int = 0
    mode: str = "list"

    @classmethod
    def of_address(cls, args: Mapping[str, str], mode: str = "list") -> View:
        """The view in the arguments of an address; whether its names are known is not looked at."""
        filters = ((match[1], value) for name, value in args.items() if (match := _FILTER.fullmatch(name)) and value)
        where = _tree(args.get("where") or "")
        size = args.get("page_size") or ""
        return cls(
            search=args.get("search") or "",
            filters=tuple(filters),
            where=where,
            sort=_sorts(args.get("sort") or ""),
            group=args.get("group") or "",
            columns=_names(args.get("columns") or ""),
            page_size=int(size) if size.isascii() and size.isdigit() and len(size) < 5 else 0,
            mode=mode,
        )

    @classmethod
    def of_definition(cls, definition: Mapping[str, Any]) -> View:
        """The view that was stored; a definition that cannot be read is an empty view."""
        try:
            return cls(
                search=str(definition.get("search", "")),
                filters=tuple((str(name), str(value)) for name, value in definition.get("filters", ())),
                where=definition.get("where"),
                sort=_sorts(",".join(map(str, definition.get("sort", ())))),
                group=str(definition.get("group", "")),
                columns=tuple(map(str, definition.get("columns", ()))),
                page_size=int(definition.get("page_size", 0)),
                mode=next((mode for mode in MODES if mode == definition.get("mode")), MODES[0]),
            )
        except (TypeError, ValueError):
            return cls()

    @property
    def definition(self) -> dict[str, Any]:
        """What is stored of the view."""
        every = {
            "search": self.search, "filters": [list(pair) for pair in self.filters], "where": self.where,
            "sort": [str(sort) for sort in self.sort], "group": self.group, "columns": list(self.columns),
            "page_size": self.page_size, "mode": self.mode,
        }  # fmt: skip
        return {key: value for key, value in every.items() if value and (key, value) != ("mode", "list")}

    @property
    def address(self) -> dict[str, str]:
        """The arguments of the address that shows the view."""
        every = {
            "search": self.search, "sort": ",".join(map(str, self.sort)), "group": self.group,
            "columns": ",".join(self.columns), "page_size": str(self.page_size or ""),
            "where": json.dumps(self.where, ensure_ascii=False, separators=(",", ":")) if self.where else "",
        }  # fmt: skip
        filters = {f"flt{number}_{name}": value for number, (name, value) in enumerate(self.filters)}
        return {key: value for key, value in every.items() if value} | filters

    def checked(
        self, record_type: RecordType, *, columns: Collection[str], filters: Collection[str],
        groups: Callable[[str], bool],
    ) -> tuple[View, View]:  # fmt: skip
        """The part that can be shown today, and the part that cannot, because a field, operator or plugin went away.

        Args:
            record_type: whose view it is.
            columns: the names of columns there are; what is none of them cannot be sorted by either.
            filters: the short filters there are.
            groups: whether the list can be grouped by a name.
        """
        gone_where, kept_where = _parts(self.where, record_type)
        kept = replace(
            self,
            filters=tuple(pair for pair in self.filters if pair[0] in filters),
            where=kept_where,
            sort=tuple(sort for sort in self.sort if sort.name in columns),
            group=self.group if groups(self.group) else "",
            columns=tuple(name for name in self.columns if name in columns),
        )
        gone = View(
            filters=tuple(pair for pair in self.filters if pair[0] not in filters),
            where=gone_where,
            sort=tuple(sort for sort in self.sort if sort.name not in columns),
            group="" if groups(self.group) else self.group,
            columns=tuple(name for name in self.columns if name not in columns),
        )
        return kept, gone

    def with_gone(self, gone: View) -> View:
        """The view together with what is not there today, so that it comes back with its plugin."""
        where = [tree for tree in (self.where, gone.where) if tree]
        return replace(
            self,
            filters=(*self.filters, *gone.filters),
            where={"all": where} if len(where) == 2 else next(iter(where), None),
            sort=(*self.sort, *gone.sort),
            group=self.group or gone.group,
            columns=(*self.columns, *gone.columns) if self.columns else (),
        )

    @property
    def words(self) -> list[str]:
        """The names in the view, for telling which are gone."""
        names = [name.rsplit("__", 1)[0] for name, _value in self.filters]
        names += [*_fields(self.where), *(sort.name for sort in self.sort), *self.columns]
        return list(dict.fromkeys([*names, *([self.group.split(":")[0]] if self.group else [])]))


def _sorts(text: str) -> tuple[Sort, ...]:
    return tuple(Sort(word.removeprefix("-"), word.startswith("-")) for word in text.split(",") if word)


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in text.split(",") if word))


def _tree(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def _parts(tree: Any, record_type: RecordType) -> tuple[Any, Any]:
    """Of a condition what cannot be asked today, and what can. Parts that must all hold are looked at one by one."""
    if not tree or _readable(tree, record_type):
        return None, tree or None
    if not (isinstance(tree, dict) and isinstance(tree.get("all"), list)):
        return tree, None
    kept = [part for part in tree["all"] if _readable(part, record_type)]
    gone = [part for part in tree["all"] if not _readable(part, record_type)]
    return {"all": gone}, ({"all": kept} if kept else None)


def _readable(tree: Any, record_type: RecordType) -> bool:
    try:
        parse(tree, record_type)
    except ConditionError:
        return False
    return True


def _fields(tree: Any) -> list[str]:
    """The names of fields and references in a condition that may not be readable any more."""
    if isinstance(tree, dict):
        own = [str(tree[key]) for key in ("field", "count") if key in tree]
        return own + [name for key, part in tree.items() if key not in ("value",) for name in _fields(part)]
    return [name for part in tree for name in _fields(part)] if isinstance(tree, list) else []
