"""The least each piece of work can cost: its SQL and nothing else, on a plain connection."""

from __future__ import annotations

from benchmarks.loading import Loader

COLUMNS = "c.id, c.name, o.name, c.job_title, c.city, c.status, c.created_at"
PEOPLE = f"SELECT {COLUMNS} FROM contacts_contact c LEFT JOIN contacts_contact o ON o.id = c.company_id"  # noqa: S608
ALIVE = "c.kind = 'person' AND c.archived_at IS NULL"


class Floor:
    """Plain SQL for each piece of work."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def list_page(self) -> object:
        """The first 25 people."""
        return self.loader.run(f"{PEOPLE} WHERE {ALIVE} ORDER BY c.name_sort, c.id LIMIT 25")

    def key_at(self, offset: int) -> tuple[str, int]:
        """Sort key and id of the person ``offset`` rows down the list."""
        order = "ORDER BY c.name_sort, c.id LIMIT 1 OFFSET"
        found = self.loader.run(f"SELECT c.name_sort, c.id FROM contacts_contact c WHERE {ALIVE} {order} {offset:d}")  # noqa: S608
        return str(found[0][0]), int(str(found[0][1]))

    def deep_page(self, key: tuple[str, int]) -> object:
        """The 25 people after a key."""
        after = "AND (c.name_sort, c.id) > (%s, %s) ORDER BY c.name_sort, c.id LIMIT 25"
        return self.loader.run(f"{PEOPLE} WHERE {ALIVE} {after}", *key)

    def city_and_age(self, city: str, born_from: str, born_to: str) -> object:
        """The first 25 people of a city born between two days."""
        where = "AND c.city = %s AND c.birthday BETWEEN %s AND %s ORDER BY c.name_sort, c.id LIMIT 25"
        return self.loader.run(f"{PEOPLE} WHERE {ALIVE} {where}", city, born_from, born_to)

    def search(self, words: list[str]) -> object:
        """The first 25 people whose search form holds all words."""
        where = " ".join("AND c.search_text LIKE %s" for _ in words)
        order = "ORDER BY c.name_sort, c.id LIMIT 25"
        return self.loader.run(f"{PEOPLE} WHERE {ALIVE} {where} {order}", *(f"%{word}%" for word in words))

    def record(self, number: int) -> object:
        """One person with numbers and addresses."""
        for table in ("contacts_phone", "contacts_email", "contacts_address"):
            self.loader.run(f"SELECT * FROM {table} WHERE contact_id = %s", number)  # noqa: S608 - names of ours
        return self.loader.run("SELECT * FROM contacts_contact WHERE id = %s", number)

    def save(self, number: int, title: str) -> object:
        """One value of one person."""
        return self.loader.run("UPDATE contacts_contact SET job_title = %s WHERE id = %s", title, number)

    def board(self) -> object:
        """Exact totals of every stage."""
        return self.loader.run(
            "SELECT stage_id, count(*), sum(amount), sum(amount * probability) / 100 FROM sales_deal "
            "WHERE archived_at IS NULL GROUP BY stage_id"
        )

    def forecast(self) -> object:
        """Weighted amounts by month and stage."""
        month = "strftime('%Y-%m', expected_close)" if self.loader.is_sqlite else "date_trunc('month', expected_close)"
        return self.loader.run(
            f"SELECT {month}, stage_id, count(*), sum(amount * probability) / 100 FROM sales_deal "  # noqa: S608
            "WHERE archived_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2"
        )
