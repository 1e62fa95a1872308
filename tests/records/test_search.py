"""Search: parts of words in any spelling, by an index that no way of writing can forget."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.database.word_index import has_word_index, index_words, real_tables
from core.records import search
from core.testing.installation import TestInstallation


def found(site: TestInstallation, text: str) -> list[str]:
    from plugins.contacts.models import Person

    with site.acting() as session:
        criteria = [search.holds_words(session, Person, text, indexed=indexed) for indexed in (True, False)]
        by_index, by_reading = (sorted(session.scalars(sa.select(Person.name).where(*some))) for some in criteria)
    assert by_index == by_reading
    return by_index


def plan(session: Session, query: sa.Select[Any]) -> str:
    """How the database would answer, if walking through the rows were the last thing it did."""
    if session.get_bind().dialect.name == "postgresql":
        for way in ("seqscan", "indexscan", "indexonlyscan"):
            session.execute(sa.text(f"SET LOCAL enable_{way} = off"))
        explain = "EXPLAIN"
    else:
        explain = "EXPLAIN QUERY PLAN"
    text = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    return str(session.connection().exec_driver_sql(f"{explain} {text}").all())


def add(site: TestInstallation, *names: str) -> None:
    from plugins.contacts.models import Person

    with site.acting() as session:
        session.add_all([Person(first_name=name) for name in names])
        session.commit()


def test_a_word_is_found_by_any_part_of_three_letters_and_by_its_first_two(make_site, dialect: str) -> None:
    site = make_site("contacts", dialect=dialect)
    add(site, "Margaret Hamilton", "Mary Ann", "علی‌رضا کریمی")
    assert found(site, "argar milt") == ["Margaret Hamilton"]
    assert found(site, "ma") == ["Margaret Hamilton", "Mary Ann"]
    assert found(site, "an") == ["Mary Ann"]
    assert found(site, "m") == ["Margaret Hamilton", "Mary Ann"]
    assert found(site, "ma am") == []
    for typed in ("عليرضا", "ریم", "علي كر", "رضا"):
        assert found(site, typed) == ["علی‌رضا کریمی"], typed
    assert len(found(site, " ")) == 3


def test_quotes_and_wildcards_are_looked_for(make_site, dialect: str) -> None:
    site = make_site("contacts", dialect=dialect)
    add(site, 'The "Rock" 100% OR_NOT', "Plain")
    for typed in ('"rock"', "100%", "or_not", '"', "%", "k\" 1"):
        assert found(site, typed) in (['The "Rock" 100% OR_NOT'], []), typed
    assert found(site, '"rock"') == ['The "Rock" 100% OR_NOT']
    assert found(site, "roc OR plain") == []


def test_the_index_follows_every_way_of_writing(make_site, dialect: str) -> None:
    site = make_site("contacts", dialect=dialect)
    table = sa.table("contacts_contact", sa.column("id"), sa.column("search_text"))
    add(site, "Before")
    with site.runtime.database.engine.begin() as connection:
        assert has_word_index(connection, "contacts_contact")
        connection.execute(sa.update(table).values(search_text="changed past the gate"))
    assert found(site, "past") == ["Before"]
    assert found(site, "before") == []
    with site.runtime.database.engine.begin() as connection:
        connection.execute(sa.delete(table))
    assert found(site, "past") == []


def test_without_an_index_the_same_is_found(make_site, dialect: str) -> None:
    site = make_site("contacts", dialect=dialect)
    with site.runtime.database.engine.begin() as connection:
        if dialect == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER contacts_contact_words_made")
        else:
            connection.exec_driver_sql("DROP INDEX ix_contacts_contact_search_text_trgm")
        assert not has_word_index(connection, "contacts_contact")
    add(site, "Margaret Hamilton", "Mary Ann")
    assert found(site, "argar milt") == ["Margaret Hamilton"]
    assert found(site, "ma") == ["Margaret Hamilton", "Mary Ann"]
    with site.runtime.database.engine.begin() as connection:
        assert index_words(connection, "contacts_contact")
    assert found(site, "argar milt") == ["Margaret Hamilton"]


def test_the_index_of_words_is_left_alone_where_rows_are_looked_through(make_site, dialect: str) -> None:
    from plugins.contacts.models import Contact

    site = make_site("contacts", dialect=dialect)
    add(site, "Margaret Hamilton")
    name = "contacts_contact_words" if dialect == "sqlite" else "ix_contacts_contact_search_text_trgm"
    with site.acting() as session:
        for indexed in (True, False):
            query = sa.select(Contact.id).where(*search.holds_words(session, Contact, "argar", indexed=indexed))
            assert (name in plan(session, query)) is indexed


def test_what_serves_as_an_index_is_no_table_of_its_plugin() -> None:
    names = ["a_item", "a_item_words", "a_item_words_data", "a_item_words_idx", "a_item_words_x"]
    names += ["b_words", "b_words_data"]
    assert real_tables(names) == ["a_item", "a_item_words_x", "b_words", "b_words_data"]
