"""The palette, the page that shows the same without a script, and the help."""

from __future__ import annotations

import re
from urllib.parse import quote

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for
from flask_babel import gettext as _

from core.accounts.actor import acting
from core.admin.ids import read_id
from core.site.reader import language
from core.site.site import current_site
from core.web import commands, search
from core.web.guide import guide
from core.web.search import Group, Recent

LONGEST = 200  # characters of a search
REMEMBERED = 12  # records a browser tells it opened lately
HELP_SHOWN = 4
COMMANDS = ">"
SIGNS = (COMMANDS, search.PEOPLE, search.TAGS)
_RECENT = re.compile(r"([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*):([0-9]{1,19})", re.ASCII)

search_pages = Blueprint("search", __name__)


@search_pages.before_request
def signed_in_only() -> None:
    """Nobody finds anything without signing in."""
    if acting().user_id is None:
        abort(404)


@search_pages.get("/search")
def page() -> str:
    """Everything that is found, as a page of its own."""
    text = _asked()
    return render_template("nova/search.html", text=text, groups=found(text, []) if text else offered([]))


@search_pages.get("/search/palette")
def palette() -> Response:
    """The same as a fragment. ``recent`` names the records this browser opened lately."""
    text, recent = _asked(), _recent()
    groups = found(text, recent) if text else offered(recent)
    answer = make_response(render_template("nova/_found.html", text=text, groups=groups))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@search_pages.get("/help")
def help_page() -> str:
    """The user guide."""
    return render_template("nova/help.html", sections=guide(language()), title=_("Help"))


def found(text: str, recent: Recent) -> list[Group]:
    """The groups for what was typed; the first character may be a sign that narrows them."""
    sign, rest = (text[0], text[1:].strip()) if text[0] in SIGNS else ("", text)
    if sign == COMMANDS:
        return commands.find_commands(rest, most=LONGEST)
    if search.is_blank(rest):
        return []
    if sign == search.PEOPLE:
        users = search.find_people(rest)
        named = [Group(_("Users"), users.hits)] if users is not None else []
        return [*search.find_records(rest, recent, sign), *named]
    if sign == search.TAGS:
        return search.find_records(rest, recent, sign)
    return [*search.find_records(rest, recent), *commands.find_commands(rest), *_help(rest)]


def offered(recent: Recent) -> list[Group]:
    """What is there before anything is typed: what was opened lately, and where one can go."""
    opened = search.recent_records(recent)
    lately = [Group(_("Recently opened"), tuple(opened))] if opened else []
    return [*lately, *commands.find_commands("")]


def _help(text: str) -> list[Group]:
    address = url_for("search.help_page")
    lines = [
        commands.Line(section.title, f"{address}#{quote(section.anchor)}", "info-circle", section.words)
        for section in guide(language())
    ]
    hits = tuple(line.hit for line in commands.ranked(text, lines)[:HELP_SHOWN])
    return [Group(_("Help"), hits)] if hits else []


def _asked() -> str:
    return request.args.get("q", "").strip()[:LONGEST]


def _recent() -> Recent:
    """A type whose module is off, and anything unreadable, is passed over as forgotten."""
    told: list[tuple[str, int]] = []
    for entry in request.args.get("recent", "").split(",")[:REMEMBERED]:
        match = _RECENT.fullmatch(entry)
        number = read_id(match[2]) if match else None
        if match and number is not None and match[1] in current_site().catalog:
            told.append((match[1], number))
    return list(dict.fromkeys(told))
