"""Made-up people, deals and activities: the same ones in every run, in the shape in which the product stores them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from core.text import fold_both, sort_key

SEED = 20_261_126
NOW = dt.datetime(2026, 11, 1, 12, 0)  # noqa: DTZ001 - UTC, as the databases keep it
OWNERS = 5
STAGES = 6
_WORDS = """
Ada Grace Linus Margaret Radia Edsger Barbara Alan Donald Frances Ken Hedy Tim Sophie Dennis Katherine Claude
Emmy Niklaus Adele

Applewood Birch Cedar Elm Hazel Juniper Laurel Maple Oakley Poplar Rowan Sorrel Tamarind Willow Yarrow Alder
Bramble Clover Fern Heather

علی زهرا کاوه آرش مریم سارا رضا نرگس حسین فاطمه امیر پریسا مهدی شیرین بهرام لیلا یاسمن کیان ژاله پویا

کریمی رضایی موسوی احمدی حسینی محمدی اکبری جعفری صادقی نوری قاسمی رحیمی یوسفی شریفی کاظمی میرزایی زارع فرهادی
سلیمانی بهرامی

پور زاده فر نیا نژاد منش خواه یان فرد دوست

Tehran Mashhad Isfahan Karaj Shiraz Tabriz Qom Ahvaz Kermanshah Urmia Rasht Zahedan Hamadan Kerman Yazd
Ardabil Arak Sari Gorgan Qazvin London Paris Berlin Madrid Rome Vienna Lisbon Dublin Oslo Helsinki

Buyer Engineer Analyst Director Nurse Teacher Planner Lawyer Accountant Designer
"""
LATIN_FIRST, LATIN_LAST, PERSIAN_FIRST, PERSIAN_LAST, SUFFIXES, CITIES, JOBS = (
    part.split() for part in _WORDS.split("\n\n")
)
ENDINGS = ("", "son", "field", "worth", "ton", "ley", "man", "ford", "well", "stead")
STATUSES = ("prospect", "customer", "partner", "supplier", "former")


@dataclass(frozen=True)
class Size:
    """How much data a run has."""

    contacts: int
    deals: int
    activities: int
    imported: int

    @classmethod
    def scaled(cls, scale: float) -> Size:
        """The whole data times ``scale``."""
        return cls(int(1_000_000 * scale), int(200_000 * scale), int(2_000_000 * scale), int(100_000 * scale))

    @property
    def companies(self) -> int:
        """How many of the contacts are companies; they come first."""
        return max(self.contacts // 50, 1)


@lru_cache(maxsize=100_000)
def folded(text: str) -> tuple[str, str, str]:
    """Search form, sort key and comparison key of a name."""
    return fold_both(text), sort_key(text)[:400], fold_both(text).replace(" ", "")[:400]


def names(random_: random.Random) -> tuple[str, str]:
    """A first and a last name, half of them Persian; 8,000 combinations."""
    if random_.random() < 0.5:
        return random_.choice(PERSIAN_FIRST), random_.choice(PERSIAN_LAST) + random_.choice(SUFFIXES)
    return random_.choice(LATIN_FIRST), random_.choice(LATIN_LAST) + random_.choice(ENDINGS)


CONTACT = (
    "id", "created_at", "updated_at", "version", "owner_id", "name_sort", "search_text", "kind", "name", "name_key",
    "status", "city", "private", "industry", "first_name", "last_name", "job_title", "birthday", "company_id",
)  # fmt: skip


def contacts(size: Size) -> Iterator[tuple[object, ...]]:
    """Rows of contacts_contact: companies first, then people."""
    random_ = random.Random(SEED)
    for n in range(1, size.contacts + 1):
        made = NOW - dt.timedelta(minutes=n)
        owner, city = random_.randrange(OWNERS) + 1, random_.choice(CITIES)
        status = random_.choice(STATUSES)
        first, last = names(random_)
        if n <= size.companies:
            name = f"{last} {n} Ltd"
            search, key, compare = fold_both(name), sort_key(name)[:400], fold_both(name).replace(" ", "")
            yield (n, made, made, 1, owner, key, f"{search} {city.casefold()}", "company", name, compare, status, city,
                   False, "retail", None, None, None, None, None)  # fmt: skip
            continue
        name = f"{first} {last}"
        search, key, compare = folded(name)
        job = random_.choice(JOBS)
        words = f"{search} {city.casefold()} {phone(n)[1:]} 0{phone(n)[3:]} {email(n)} {job.casefold()}"
        born = dt.date(1950, 1, 1) + dt.timedelta(days=random_.randrange(20_000))
        company = random_.randrange(size.companies) + 1
        yield (n, made, made, 1, owner, key, words, "person", name, compare, status, city, False, None, first, last,
               job, born, company)  # fmt: skip


def phone(n: int) -> str:
    """The number of contact ``n`` in E.164."""
    return f"+98912{n:07d}"


def email(n: int) -> str:
    """The e-mail address of contact ``n``."""
    return f"contact{n}@mail.example"


DEAL = (
    "id", "created_at", "updated_at", "version", "owner_id", "name_sort", "search_text", "name", "amount", "currency",
    "expected_close", "probability", "pipeline_id", "stage_id", "contact_id", "company_id",
)  # fmt: skip


def deals(size: Size, pipeline: int, stages: list[int]) -> Iterator[tuple[object, ...]]:
    """Rows of sales_deal in the stages given."""
    random_ = random.Random(SEED + 1)
    for n in range(1, size.deals + 1):
        made = NOW - dt.timedelta(minutes=5 * n)
        name = f"Deal {n}"
        person = random_.randrange(size.companies + 1, size.contacts + 1)
        close = NOW.date() + dt.timedelta(days=random_.randrange(-180, 360))
        yield (n, made, made, 1, random_.randrange(OWNERS) + 1, sort_key(name), fold_both(name), name,
               random_.randrange(1, 5_000) * 10_000, "IRR", close, random_.choice((10, 25, 50, 75, 90)), pipeline,
               random_.choice(stages), person, random_.randrange(size.companies) + 1)  # fmt: skip


ACTIVITY = (
    "id", "created_at", "updated_at", "version", "name_sort", "search_text", "kind", "subject", "priority", "due",
    "done_at", "outcome", "about_type", "about_id", "assignee_id", "overdue_told_at",
)  # fmt: skip
SUBJECTS = ("Ask about the quote", "Send the contract", "Contract talk", "Call back", "Welcome", "پیگیری پیشنهاد")


def activities(size: Size) -> Iterator[tuple[object, ...]]:
    """Rows of activities_activity about people and deals; nine of ten are done, and who is late has been told.

    Otherwise a chore would tell 200,000 times while other things are measured.
    """
    random_ = random.Random(SEED + 3)
    for n in range(1, size.activities + 1):
        made = NOW - dt.timedelta(minutes=n // 2)
        subject = random_.choice(SUBJECTS)
        search, key, _compare = folded(subject)
        done = made if n % 10 else None
        if n % 4:
            about = ("contacts.person", random_.randrange(size.companies + 1, size.contacts + 1))
        else:
            about = ("sales.deal", random_.randrange(1, size.deals + 1))
        due = NOW.date() + dt.timedelta(days=random_.randrange(-300, 60))
        yield (n, made, made, 1, key, search, "task", subject, "normal", due, done, "done" if done else None, *about,
               random_.randrange(OWNERS) + 1, None if done else made)  # fmt: skip
