"""Who reads, and in which language, calendar, digits and time zone.

Each of the four is a choice of its own (English with Jalali dates works). For a request they are the signed-in
person's; outside one, or for somebody else's mail, :func:`reading_as` says whose.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeVar, get_args
from zoneinfo import ZoneInfo

import flask_babel
from flask import current_app, g, has_request_context, request
from flask_babel import get_locale
from flask_security import current_user

from core.calendars import CALENDARS, LOCALES, Calendar, Language

Digits = Literal["latin", "persian"]
Chosen = TypeVar("Chosen", bound=str)

LANGUAGES: tuple[Language, ...] = get_args(Language)
DIGITS: tuple[Digits, ...] = get_args(Digits)
LANGUAGE_COOKIE = "peyvand_language"
LANGUAGE_NAMES: dict[Language, str] = {"en": "English", "fa": "فارسی"}
"""Each language named in itself, as a language menu shows it."""
_CALENDAR_OF: dict[Language, Calendar] = {"en": "gregorian", "fa": "jalali"}
_DIGITS_OF: dict[Language, Digits] = {"en": "latin", "fa": "persian"}


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """How one reader reads. ``timezone`` is an IANA name."""

    language: Language = "en"
    calendar: Calendar = "gregorian"
    digits: Digits = "latin"
    timezone: str = "UTC"


def preferences() -> Preferences:
    """Return how the reader of the moment reads; English, Gregorian and UTC outside an application."""
    # Every number and day of a page asks, so the context is looked at once.
    try:
        held = g._get_current_object()  # type: ignore[attr-defined]
    except RuntimeError:
        return Preferences()
    chosen: Preferences = held.get("_peyvand_preferences") or chosen_preferences()
    locale = getattr(held.get("_flask_babel"), "babel_locale", None) or get_locale()
    spoken: Language = "fa" if locale is not None and locale.language == "fa" else "en"
    if spoken == chosen.language:
        return chosen
    # flask_babel.force_locale() is in effect: what was automatic follows the forced language.
    return Preferences(
        language=spoken, calendar=_CALENDAR_OF[spoken], digits=_DIGITS_OF[spoken], timezone=chosen.timezone
    )


def language() -> Language:
    """Return the reader's language, ``en`` or ``fa``."""
    return preferences().language


def is_rtl() -> bool:
    """Return whether the reader's language is written from right to left."""
    return language() == "fa"


def direction() -> Literal["ltr", "rtl"]:
    """Return the value of the page's ``dir`` attribute."""
    return "rtl" if is_rtl() else "ltr"


def calendar_name() -> Calendar:
    """Return the reader's calendar, ``gregorian`` or ``jalali``."""
    return preferences().calendar


def digits_name() -> Digits:
    """Return the reader's digits, ``latin`` or ``persian``."""
    return preferences().digits


def refresh() -> None:
    """Forget what was chosen, so that a change made in this request (a new language, a sign-in) acts at once."""
    g.pop("_peyvand_preferences", None)
    flask_babel.refresh()


@contextmanager
def reading_as(person: object) -> Iterator[Preferences]:
    """Write for ``person`` inside the block: a mail, a notice, a file made by a job. Needs an application context.

    ``person`` has the attributes ``language``, ``calendar``, ``digits`` and ``timezone``, None or "" for automatic.
    """
    before = g.get("_peyvand_preferences")
    chosen = g._peyvand_preferences = _of_person(person, _of_installation())
    try:
        with flask_babel.force_locale(LOCALES[chosen.language]):
            yield chosen
    finally:
        if before is None:
            g.pop("_peyvand_preferences", None)
        else:
            g._peyvand_preferences = before


def chosen_preferences() -> Preferences:
    """Return what the reader chose, before any ``force_locale``."""
    chosen: Preferences | None = g.get("_peyvand_preferences")
    if chosen is None:
        chosen = g._peyvand_preferences = _of_request()
    return chosen


def _of_request() -> Preferences:
    if not has_request_context():
        return _of_person(None, _of_installation())
    cookie = request.cookies.get(LANGUAGE_COOKIE)
    asked = cookie if cookie in LANGUAGES else request.accept_languages.best_match(LANGUAGES)
    automatic = _one_of(LANGUAGES, asked, _of_installation())
    # A Site without accounts (safe mode, a test) has no login manager, and Flask-Login cannot be asked then.
    person = current_user if hasattr(current_app, "login_manager") and current_user.is_authenticated else None
    return _of_person(person, automatic)


def _of_installation() -> Language:
    return _one_of(LANGUAGES, str(current_app.config.get("BABEL_DEFAULT_LOCALE", "en")).partition("_")[0], "en")


def _of_person(person: object, automatic: Language) -> Preferences:
    spoken = _one_of(LANGUAGES, getattr(person, "language", None), automatic)
    zone = getattr(person, "timezone", None)
    return Preferences(
        language=spoken,
        calendar=_one_of(CALENDARS, getattr(person, "calendar", None), _CALENDAR_OF[spoken]),
        digits=_one_of(DIGITS, getattr(person, "digits", None), _DIGITS_OF[spoken]),
        timezone=zone if zone and _is_timezone(zone) else current_app.config.get("BABEL_DEFAULT_TIMEZONE", "UTC"),
    )


def _one_of(choices: tuple[Chosen, ...], value: object, otherwise: Chosen) -> Chosen:
    return next((choice for choice in choices if choice == value), otherwise)


@lru_cache(maxsize=64)
def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed (an absolute path), or naming a folder
        return False
    return True
