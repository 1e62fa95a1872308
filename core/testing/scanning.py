"""Looks for holes through the front door, as somebody with a browser and bad intentions would.

    scan(rules, doors) ──▶ Finding, Finding, …

Every address of the site is tried without signing in, as a user and as an administrator: with odd arguments, without
the form token, with other methods and hosts. It only looks at answers, so it scans a served installation and an
application in a test alike.
"""

from __future__ import annotations

import http.client
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.routing import Rule

HIGH, MEDIUM, LOW = SEVERITIES = ("high", "medium", "low")
MARK = "zq<'\"&>zq"  # what must never come back as it is in a page
ODD = ("-1", str(2**63), "9" * 40, "۱۲", "%00", MARK, "../../etc/passwd", "{{7*7}}", "1' OR '1'='1")
LEAKS = re.compile(
    r"Traceback \(most recent call last\)|sqlalchemy\.|psycopg|sqlite3\.|SELECT .{1,80} FROM |jinja2\.exceptions", re.S
)
EVIL = "evil.example"
ASKED = ("search", "id", "page", "sort", "where", "q", "next", "name")
OPEN = frozenset({"static", "security.login", "security.logout"})
SHARED = frozenset({"jobs.tray"})  # under /admin, and shows everybody his own


@dataclass(frozen=True)
class Answer:
    """What came back: ``headers`` by lower-case name, those of ``cookies`` as they were sent."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: tuple[str, ...] = ()


Open = Callable[..., Answer]
"""Called with a path, and where wanted ``method``, ``data`` and ``headers``."""


@dataclass(frozen=True)
class Doors:
    """Three ways in: nobody's, a user's, an administrator's; ``public`` are endpoints that are open to everybody,
    ``ids`` numbers of records that are there, by folder such as ``/contacts/person``, ``odd`` what is typed."""

    visitor: Open
    user: Open
    administrator: Open
    public: frozenset[str] = OPEN
    ids: Mapping[str, int] = field(default_factory=dict)
    odd: tuple[str, ...] = ODD


@dataclass(frozen=True, order=True)
class Finding:
    """A hole, how bad it is, which check found it, and where."""

    severity: str
    check: str
    where: str
    what: str


def scan(rules: Iterable[Rule], doors: Doors) -> list[Finding]:
    """Everything that all checks find, the worst first.

    Args:
        rules: the addresses of the site (``app.url_map.iter_rules()``), or those of them that are to be tried.
        doors: the ways in.
    """
    known = [rule for rule in rules if rule.endpoint not in OPEN and not rule.endpoint.endswith(".static")]
    checks = (closed_doors, page_headers, form_tokens, odd_arguments, lying_hosts, other_methods)
    found = {finding for check in checks for finding in check(known, doors)}
    return sorted(found, key=lambda finding: (SEVERITIES.index(finding.severity), finding.check, finding.where))


def address(rule: Rule, doors: Doors, odd: str = "") -> str:
    """An address of ``rule``: with numbers of records that are there, or with ``odd`` in each place."""
    folder = rule.rule.partition("<")[0].rstrip("/")
    number = str(doors.ids.get(folder, 1))

    def value(place: re.Match[str]) -> str:
        choices = re.match(r"<any\(([^)]*)\)", place[0])
        usual = choices[1].split(",")[0].strip(" '") if choices else number
        return odd or usual

    return re.sub("<[^>]+>", value, rule.rule)


def _readable(rules: Iterable[Rule]) -> list[Rule]:
    return [rule for rule in rules if "GET" in (rule.methods or ())]


# --- checks


def closed_doors(rules: Sequence[Rule], doors: Doors) -> Iterator[Finding]:
    """Nothing is shown to who has not signed in, and nothing of the administration to a user."""
    for rule in _readable(rules):
        path = address(rule, doors)
        if rule.endpoint not in doors.public and doors.visitor(path).status not in (301, 302, 308, 401, 404, 405):
            yield Finding(HIGH, "closed doors", rule.rule, "answers who has not signed in")
        managed = rule.rule.startswith("/admin/") and rule.endpoint not in SHARED
        if managed and doors.user(path).status not in (301, 308, 404, 405):
            yield Finding(HIGH, "closed doors", rule.rule, "answers a user")


def page_headers(rules: Sequence[Rule], doors: Doors) -> Iterator[Finding]:
    """Every page carries what keeps a browser from being used against its reader."""
    for rule in _readable(rules):
        for who, door in (("visitor", doors.visitor), ("administrator", doors.administrator)):
            answer = door(address(rule, doors))
            where = f"{rule.rule} ({who})"
            policy = answer.headers.get("content-security-policy", "")
            if "default-src 'none'" not in policy or "unsafe" in policy or "frame-ancestors 'none'" not in policy:
                yield Finding(MEDIUM, "headers", where, "has no strict content policy")
            if answer.headers.get("x-content-type-options") != "nosniff":
                yield Finding(MEDIUM, "headers", where, "lets the browser guess types")
            if "text/html" in answer.headers.get("content-type", "") and answer.status == 200:
                if "no-store" not in answer.headers.get("cache-control", ""):
                    yield Finding(MEDIUM, "headers", where, "may be stored")
                if re.search(r"<script(?![^>]*\b(?:src|type=\"application/json\"))|\son[a-z]+=\"", answer.text):
                    yield Finding(MEDIUM, "headers", where, "has a script inline")
            for cookie in answer.cookies:
                name = cookie.partition("=")[0]
                if "httponly" not in cookie.lower() and "session" in name:
                    yield Finding(HIGH, "cookies", where, f"{name} can be read by scripts")
                if "samesite" not in cookie.lower():
                    yield Finding(MEDIUM, "cookies", where, f"{name} is sent along from other sites")


def form_tokens(rules: Sequence[Rule], doors: Doors) -> Iterator[Finding]:
    """A request that changes something is refused without the token of a form."""
    for rule in rules:
        if "POST" not in (rule.methods or ()):
            continue
        answer = doors.administrator(address(rule, doors), method="POST", data={"id": "1"})
        if answer.status not in (400, 401, 404, 405):  # 401 where a cookie does not count
            yield Finding(HIGH, "form tokens", rule.rule, f"answers {answer.status} without a token")


def odd_arguments(rules: Sequence[Rule], doors: Doors) -> Iterator[Finding]:
    """Odd input is an error of whoever sent it: no failure, no inside of the program, nothing of it as it is."""
    for rule in _readable(rules):
        for odd in doors.odd:
            quoted = urllib.parse.quote(odd, safe="%")
            query = "&".join(f"{name}={quoted}" for name in ASKED)
            paths = [f"{address(rule, doors)}?{query}"]
            if rule.arguments:
                paths.append(urllib.parse.quote(address(rule, doors, odd), safe="/%?=&"))
            for path in paths:
                answer = doors.administrator(path)
                if answer.status >= 500:
                    yield Finding(HIGH, "odd input", rule.rule, f"fails at {odd!r}")
                if LEAKS.search(answer.text):
                    yield Finding(MEDIUM, "odd input", rule.rule, f"tells of its inside at {odd!r}")
                if MARK in answer.text and "html" in answer.headers.get("content-type", ""):
                    yield Finding(HIGH, "odd input", rule.rule, "gives back what was typed as it is")


def lying_hosts(rules: Sequence[Rule], doors: Doors) -> Iterator[Finding]:
    """Nobody is led elsewhere, neither by an argument nor by a host that is made up."""
    targets = (f"//{EVIL}", f"https://{EVIL}", f"/\\{EVIL}", f"/%09/{EVIL}")
    for rule in _readable(rules):
        path = address(rule, doors)
        for target in targets:
            query = "&".join(f"{name}={urllib.parse.quote(target, safe='%')}" for name in ("next", "url", "back"))
            answer = doors.administrator(f"{path}?{query}")
            if EVIL in urllib.parse.urlsplit(answer.headers.get("location", "")).netloc:
                yield Finding(HIGH, "redirects", rule.rule, f"leads to {target}")
        answer = doors.visitor(path, headers={"Host": EVIL, "X-Forwarded-Host": EVIL})
        if EVIL in urllib.parse.urlsplit(answer.headers.get("location", "")).netloc or f"://{EVIL}" in answer.text:
            yield Finding(MEDIUM, "redirects", rule.rule, "believes any host")


def other_methods(rules: Sequence[Rule], doors: Doors) -> Iterator[Finding]:
    """What is not offered is refused, and a body beyond all measure is not read."""
    for rule in rules:
        for method in ("PUT", "DELETE", "TRACE"):
            if method not in (rule.methods or ()):
                status = doors.administrator(address(rule, doors), method=method).status
                if status not in (400, 401, 404, 405, 501):
                    yield Finding(LOW, "methods", rule.rule, f"answers {status} to {method}")


# --- ways in


def over_http(url: str, cookies: Mapping[str, str]) -> Open:
    """A way into a served installation, with the cookies of somebody who signed in, or none."""
    host = urllib.parse.urlsplit(url).netloc
    sent = "; ".join(f"{name}={value}" for name, value in cookies.items())

    def open_(path: str, method: str = "GET", data: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            body = urllib.parse.urlencode(data) if data else None
            form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            asked = {"Accept": "text/html", **({"Cookie": sent} if sent else {}), **form, **(headers or {})}
            connection.request(method, path, body, asked)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
            known = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, known, text, tuple(answer.headers.get_all("Set-Cookie") or ()))
        finally:
            connection.close()

    return open_


def into_application(client: Any) -> Open:
    """A way into an application through a client of werkzeug; it sends no token of its own."""

    def open_(path: str, method: str = "GET", data: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        answer = client(path, method=method, data=data, headers={"Accept": "text/html", **(headers or {})})
        known = {name.lower(): value for name, value in answer.headers.items()}
        cookies = tuple(answer.headers.getlist("Set-Cookie"))
        return Answer(answer.status_code, known, answer.get_data(as_text=True), cookies)

    return open_
