"""Declarative bases: one registry per plugin over one shared ``MetaData``.

An unresolvable relationship breaks every mapper of its registry, so a plugin's mistake stays in its own. Foreign keys
still resolve by name across plugins, because the ``MetaData`` is shared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapper, configure_mappers, registry

from core.errors import PluginError

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_bases: dict[str, type[DeclarativeBase]] = {}


def plugin_base(plugin: str) -> Any:
    """The declarative base of ``plugin``, made on first use.

    Every table mapped on it must be called ``<plugin>_<something>``.

    Raises:
        PluginError: a class maps a table outside the plugin's name.
    """
    if plugin in _bases:
        return _bases[plugin]
    prefix = f"{plugin}_"

    class PluginBase(DeclarativeBase):
        registry = registry(metadata=METADATA)

        def __init_subclass__(cls, **kwargs: object) -> None:
            table = cls.__dict__.get("__tablename__")
            if table is not None and not table.startswith(prefix):
                raise PluginError(
                    plugin, f"{cls.__name__} maps the table {table!r}; its name must begin with {prefix!r}."
                )
            own = cls.__dict__.get("__table__")
            if own is not None and not own.name.startswith(prefix):
                raise PluginError(plugin, f"{cls.__name__} maps the table {own.name!r} of another plugin.")
            cls.__record_type__ = f"{plugin}.{re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '_', cls.__name__).lower()}"
            cls.__plugin__ = plugin
            super().__init_subclass__(**kwargs)

    PluginBase.__name__ = f"{plugin.title().replace('_', '')}Base"
    _bases[plugin] = PluginBase
    return PluginBase


def configure_plugin(plugin: str) -> None:
    """Resolve the relationships of one plugin's mappers now, so that an error surfaces under its name.

    Raises:
        sqlalchemy.exc.InvalidRequestError: a relationship cannot be resolved.
    """
    if plugin in _bases:
        _bases[plugin].registry.configure(cascade=True)
    else:
        configure_mappers()


def forget_plugin(plugin: str) -> None:
    """Remove a plugin's half-made mappers and tables, so that importing it again can succeed."""
    base = _bases.pop(plugin, None)
    if base is not None:
        base.registry.dispose(cascade=True)
    for table in plugin_tables(plugin):
        METADATA.remove(table)


def owner_of(table: str, plugins: Iterable[str]) -> str | None:
    """Whose a table is: ``sales_quotes_line`` belongs to ``sales_quotes`` where there is such a plugin.

    Args:
        table: the table's name.
        plugins: the names of all plugins that may own it.
    """
    return max((name for name in plugins if table.startswith(f"{name}_")), key=len, default=None)


def all_mappers() -> list[Mapper[Any]]:
    """Every mapped class of this process, of the core and of all plugins that are imported."""
    return [mapper for base in _bases.values() for mapper in base.registry.mappers]


def personal_names(plugin: str) -> list[str]:
    """The columns and relationships that ``plugin`` marks as personal, as ``Class.name``."""
    base = _bases.get(plugin)
    mappers = base.registry.mappers if base is not None else ()
    found = set()
    for mapper in mappers:
        for prop in mapper.attrs:
            columns = getattr(prop, "columns", ())
            if prop.info.get("personal") or any(column.info.get("personal") for column in columns):
                found.add(f"{prop.parent.class_.__name__}.{prop.key}")
    return sorted(found)


def plugin_tables(plugin: str) -> list[sa.Table]:
    """The mapped tables of ``plugin``, parents before children."""
    plugins = {plugin, *_bases}
    return [table for table in METADATA.sorted_tables if owner_of(table.name, plugins) == plugin]
