"""Finding records by part of any of their words, in any spelling.

``Searchable`` records keep their words folded in ``search_text`` (``core.text.fold_both``); what is looked for is
folded the same way. A word of three letters or more is found anywhere, a shorter one where a word begins: two letters
stand in the middle of almost everything, and no index finds them there.
"""

from __future__ import annotations

import weakref
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.database.word_index import BESIDE, has_word_index
from core.records.record import Searchable
from core.text import clean, fold, sort_key

WORDS = 10
LONGEST = 400  # characters of a search that are read
SHORT = 3  # letters from which a word is looked for inside of others
_indexed: weakref.WeakKeyDictionary[Engine, set[str]] = weakref.WeakKeyDictionary()


def words_of(text: str) -> list[str]:
    """The folded words of what somebody typed, each once, at most ``WORDS``."""
    return list(dict.fromkeys(fold(text[:LONGEST]).split()))[:WORDS]


def holds_words(
    session: Session, model: type[Searchable], text: str, *, indexed: bool = True
) -> list[sa.ColumnElement[bool]]:
    """The criteria under which a record of ``model`` holds every word of ``text``; none for no words.

    Args:
        session: what will be asked.
        model: the class of the records.
        text: as typed.
        indexed: whether an index may find them. It finds all that there are in the table; where few rows are looked
            through, reading them takes less.
    """
    words = words_of(text)
    if not words:
        return []
    if by_name_alone(model):
        return _in_name(model, words)
    if not indexed:
        # PostgreSQL would still take its index for a word that no row of its statistics happened to hold.
        return [_holds(sa.func.coalesce(model.search_text, model.search_text), word) for word in words]
    plain = [_holds(model.search_text, word) for word in words]
    if session.get_bind().dialect.name == "postgresql" or not _is_indexed(session, model):
        return plain
    found = _found_by_index(model, words)
    if found is None:
        return plain
    ids: Any = model
    return [ids.id.in_(found), *(_holds(model.search_text, word) for word in words if _term(word) is None)]


def holds_words_of_columns(columns: list[Any], text: str) -> list[sa.ColumnElement[bool]]:
    """The same for a class without ``search_text``: each word stands in one of ``columns``."""
    if not columns:
        return []
    return [
        sa.or_(*(sa.cast(column, sa.String).icontains(word, autoescape=True) for column in columns))
        for word in clean(text[:LONGEST]).split()[:WORDS]
    ]


def alias_holds(model: Any, text: str) -> list[sa.ColumnElement[bool]]:
    """The same for an alias, which no index beside the table can answer for."""
    words = words_of(text)
    if by_name_alone(sa.inspect(model).mapper.class_):
        return _in_name(model, words)
    return [_holds(model.search_text, word) for word in words]


def record_holds(record: Any, text: str) -> bool:
    """Whether ``record`` holds every word of ``text``, as its query would say."""
    words = words_of(text)
    if by_name_alone(type(record)):
        return all(sort_key(word) in (record.name_sort or "") for word in words)
    searched = record.search_text or ""
    return all(
        word in searched if len(word) >= SHORT else searched.startswith(word) or f" {word}" in searched
        for word in words
    )


def by_name_alone(model: Any) -> bool:
    """Whether the current actor finds records of ``model`` by their names only.

    ``search_text`` holds the words of every field, so whoever may not see one of them could read it letter by letter.
    """
    actor = acting()
    if actor.system or actor.rights is None or not actor.rights.hides:
        return False
    kinds = (getattr(mapper.class_, "__record_type__", "") for mapper in sa.inspect(model).self_and_descendants)
    return any(actor.hidden(kind) for kind in kinds)


def _in_name(model: Any, words: list[str]) -> list[sa.ColumnElement[bool]]:
    return [model.name_sort.contains(sort_key(word), autoescape=True) for word in words]


def _holds(column: Any, word: str) -> sa.ColumnElement[bool]:
    if len(word) >= SHORT:
        holds: sa.ColumnElement[bool] = column.contains(word, autoescape=True)
        return holds
    # PostgreSQL's trigrams know where a word begins, so both patterns are served by the index.
    return sa.or_(column.startswith(word, autoescape=True), column.contains(f" {word}", autoescape=True))


def _term(word: str) -> str | None:
    """What FTS5 is asked for: three letters at least, the blank before a word being one."""
    if len(word) >= SHORT:
        return word
    return f" {word}" if len(word) == SHORT - 1 else None


def _found_by_index(model: type[Searchable], words: list[str]) -> Any:
    """The ids of the rows that hold the words long enough for the index of SQLite; None when there is none."""
    terms = [term for word in words if (term := _term(word)) is not None]
    if not terms:
        return None
    name = sa.inspect(model).local_table.name + BESIDE
    table = sa.table(name, sa.column("rowid", sa.Integer))
    phrases = " ".join('"' + term.replace('"', '""') + '"' for term in terms)
    return sa.select(table.c.rowid).where(sa.literal_column(name).op("MATCH")(sa.bindparam(None, phrases, sa.String)))


def _is_indexed(session: Session, model: type[Searchable]) -> bool:
    """Whether the table has an index of words. Once there it stays as long as the table, so only yes is kept."""
    connection = session.connection()
    known = _indexed.setdefault(connection.engine, set())
    table = sa.inspect(model).local_table.name
    if table not in known and has_word_index(connection, table):
        known.add(table)
    return table in known
