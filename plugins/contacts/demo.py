"""Forty people and eight companies nobody ever met, put together from word lists."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

from flask_babel import get_locale
from sqlalchemy.orm import Session

from plugins.contacts.models import (
    HOME,
    MOBILE,
    STATUSES,
    WORK,
    Address,
    Company,
    EmailAddress,
    Person,
    PhoneNumber,
    Tag,
)
from plugins.contacts.services import tag_named

PEOPLE, COMPANIES = 40, 8

_WORDS: dict[str, dict[str, Sequence[str]]] = {
    "en": {
        "first": ("Ada", "Ben", "Clara", "Dan", "Ella", "Finn", "Grace", "Henry", "Iris", "Jack", "Kate", "Leo",
                  "Maya", "Noah", "Olive", "Paul", "Rose", "Sam", "Tess", "Victor"),
        "last": ("Applewood", "Birchfield", "Cloudsley", "Dawnbrook", "Evenhill", "Fairmoor", "Goldleaf", "Hazelton",
                 "Ivybridge", "Larkspur", "Meadowes", "Northwind", "Oakhurst", "Pinewater", "Silverdale", "Thornbury"),
        "company": ("Blue Heron Trading", "Copper Kettle Foods", "Amber Road Logistics", "Green Lantern Software",
                    "Silver Birch Clinic", "Paper Boat Publishing", "Quiet Harbour Hotels", "Red Kite Machines"),
        "job": ("Buyer", "Sales manager", "Director", "Accountant", "Engineer", "Office manager", "Marketing lead",
                "Operations manager"),
        "city": ("Ashford", "Briarton", "Cedarville", "Dunmere", "Eastholm", "Foxley"),
        "street": ("Mill Lane", "Station Road", "Garden Street", "Harbour Way"),
        "tag": ("VIP", "Newsletter", "Trade fair", "Referral"),
    },
    "fa": {
        "first": ("آرمان", "باران", "پارسا", "ترانه", "جمشید", "خورشید", "دریا", "رامین", "زیبا", "ساحل", "سپهر",
                  "شبنم", "علی‌رضا", "غزل", "فرهاد", "کیان", "گلناز", "محمدرضا", "مهتاب", "نوید"),
        "last": ("آسمانی‌پور", "بهارستانی", "پاییزیان", "جنگل‌بان", "چشمه‌ساری", "دریاکنار", "رودباری‌فر", "زرین‌کوه",
                 "ستاره‌چین", "سپیدارنیا", "شب‌آهنگ", "صبح‌خیز", "کوهستانی‌مهر", "گل‌افشان", "مهرگانی‌راد", "نسیم‌آرا"),
        "company": ("بازرگانی درنای آبی", "صنایع غذایی دیگ مسی", "ترابری جادهٔ کهربا", "نرم‌افزار فانوس سبز",
                    "درمانگاه سپیدار نقره‌ای", "انتشارات قایق کاغذی", "هتل‌های بندر آرام", "ماشین‌سازی باز سرخ"),
        "job": ("کارشناس خرید", "مدیر فروش", "مدیرعامل", "حسابدار", "مهندس", "مدیر دفتر", "مدیر بازاریابی",
                "مدیر عملیات"),
        "city": ("تهران", "شیراز", "اصفهان", "مشهد", "تبریز", "رشت"),
        "street": ("خیابان بهار", "بلوار نسترن", "کوچهٔ یاس", "خیابان نارون"),
        "tag": ("ویژه", "خبرنامه", "نمایشگاه", "معرفی‌شده"),
    },
}  # fmt: skip
_INDUSTRY = ("retail", "manufacturing", "transport", "technology", "health", "media", "tourism", "manufacturing")
_COLORS = ("amber", "blue", "violet", "green")


def add(session: Session) -> None:
    """Add the sample records in the language of the moment; the same ones every time."""
    locale = get_locale()
    words = _WORDS["fa" if locale is not None and locale.language == "fa" else "en"]
    dice = random.Random(1)
    tags = [_tag(session, name, color) for name, color in zip(words["tag"], _COLORS, strict=True)]
    companies = [_company(words, n, dice) for n in range(COMPANIES)]
    people = [_person(words, n, companies, dice) for n in range(PEOPLE)]
    for contact in (*companies, *people):
        contact.tags = dice.sample(tags, dice.choice((0, 0, 1, 1, 2)))
    session.add_all([*companies, *people])
    session.flush()


def _tag(session: Session, name: str, color: str) -> Tag:
    tag = tag_named(session, name)
    if tag is None:
        tag = Tag(name=name, color=color)
        session.add(tag)
    return tag


def _company(words: dict[str, Sequence[str]], n: int, dice: random.Random) -> Company:
    city = words["city"][n % len(words["city"])]
    return Company(
        name=words["company"][n],
        industry=_INDUSTRY[n],
        website=f"https://company{n + 1}.example",
        status=dice.choice(STATUSES[:4]).code,
        city=city,
        # 0215550… is given to nobody; .example never resolves (RFC 2606).
        phones=[PhoneNumber(label=WORK, number=f"+982155501{n:03d}")],
        emails=[EmailAddress(label=WORK, address=f"info@company{n + 1}.example")],
        addresses=[Address(label=WORK, street=f"{dice.choice(words['street'])} {dice.randint(2, 90)}", city=city)],
    )


def _person(words: dict[str, Sequence[str]], n: int, companies: Sequence[Company], dice: random.Random) -> Person:
    firsts, lasts = words["first"], words["last"]
    company = companies[n % COMPANIES] if n % 5 else None
    phones = [PhoneNumber(label=MOBILE, number=f"+98912000{n:04d}")]
    if n % 4 == 0:
        phones.append(PhoneNumber(label=HOME, number=f"+982155502{n:03d}"))
    return Person(
        first_name=firsts[n % len(firsts)],
        last_name=lasts[(n * 7) % len(lasts)],
        job_title=dice.choice(words["job"]) if company else None,
        company=company,
        birthday=dt.date(1960, 1, 1) + dt.timedelta(days=dice.randint(0, 45 * 365)) if n % 3 else None,
        city=dice.choice(words["city"]),
        status=dice.choice(STATUSES).code,
        phones=phones,
        emails=[EmailAddress(label=WORK, address=f"person{n + 1}@mail.example")],
    )
