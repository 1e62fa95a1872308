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

from core.database.word_index import BESIDE, has_word_index
from core.records.record import Searchable
from core.text import clean, fold

WORDS = 10
LONGEST = 400  # characters of a search that are read
SHORT = 3  # letters from which a word is looked for inside of others
_indexed: weakref.WeakKeyDictionary[Engine, set[str]] = weakref.WeakKeyDictionary()


def words_of(text: str) -> list[str]:
    """The folded words of what somebody typed, each once, at most ``WORDS``."""
    return list(dict.fromkeys(fold(text[:LONGEST]).split()))[:WORDS]


def holds_words(session: Session, model: type[Searchable], text: str) -> list[sa.ColumnElement[bool]]:
    """The criteria under which a record of ``model`` holds every word of ``text``; none for no words."""
    words = words_of(text)
    if not words:
        return []
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


def column_holds(column: Any, text: str) -> list[sa.ColumnElement[bool]]:
    """The same for the ``search_text`` of an alias, which no index beside the table can answer for."""
    return [_holds(column, word) for word in words_of(text)]


def text_holds(searched: str, text: str) -> bool:
    """Whether a record with this ``search_text`` holds every word of ``text``, as its query would say."""
    return all(
        word in searched if len(word) >= SHORT else searched.startswith(word) or f" {word}" in searched
        for word in words_of(text)
    )


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
