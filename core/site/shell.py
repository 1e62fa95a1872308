"""The shell around a page, drawn once for everybody who would see the same.

Menu, bar and palette are the same on every page of a person but for the form token, the open page and its line in the
menu. The template draws a part into pieces, which are kept with everything the part depends on; a page fills them in.
"""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, request
from flask_security import current_user
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup, escape

from core.accounts.actor import acting
from core.site import menu
from core.site.reader import preferences

KEPT = 4_000  # parts of a process; one takes some 3 kB, those of one person 20
# Nobody knows these words, so nothing that people typed can be taken for them.
_WORD = secrets.token_hex(12)
_PAGE, _LINE, _END = (Markup(word) for word in (f"{_WORD}-page", f"{_WORD}-line-", f"-{_WORD}"))  # noqa: S704 - of letters
_CURRENT = Markup(' aria-current="page"')


@dataclass(frozen=True)
class _Part:
    """``texts`` with what stands between them: the token (None), the open page ("") or the mark of a line's address."""

    texts: tuple[str, ...]
    between: tuple[str | None, ...]


def install(app: Flask) -> None:
    """Give the templates of ``app`` the block ``{% call shell_part(name) %}``, and what stands for the open page in it:
    ``this_page`` for its address, ``line_mark(url)`` in the line of the menu that leads to ``url``.

    Parts of a page that depend on more say so: ``{% call shell_part(name, this, and_that) %}``.
    """
    shells: dict[Hashable, dict[Hashable, _Part]] = {}
    parts = 0

    def shell_part(name: str, *more: Hashable, caller: Callable[[], Markup]) -> Markup:
        """The part ``name`` as the block draws it, or as it drew it before for who sees the same."""
        nonlocal parts
        if acting().user_id is None:
            return _filled(_pieces(caller()))
        if "shell" not in g:
            g.shell = shells.setdefault(_depends(app.jinja_env.globals), {})
        key = (name, *more)
        if key not in g.shell:
            parts += 1
            if parts > KEPT:
                parts = 0
                shells.clear()
            g.shell[key] = _pieces(caller())
        return _filled(g.shell[key])

    app.jinja_env.globals.update(shell_part=shell_part, this_page=_PAGE, line_mark=_line_mark)


def _depends(templates: Mapping[str, Any]) -> Hashable:
    """Everything a part may depend on beside the Site, which has parts of its own."""
    person: Any = current_user if hasattr(current_app, "login_manager") else None
    shown = (person.name, person.email, person.role_label) if person else ()
    pins = tuple((view.id, view.record_type, view.name) for view in menu.pinned_views())
    return acting(), preferences(), templates["theme_choice"](), request.script_root, shown, pins


def _line_mark(url: str) -> Markup:
    """Says that a line of the menu leads to the open page, where it does."""
    return _LINE + escape(url) + _END


def _pieces(drawn: str) -> _Part:
    token = re.escape(str(escape(generate_csrf())))
    texts: list[str] = [""]
    between: list[str | None] = []
    for piece in re.split(f"({token}|{_PAGE}|{_LINE}.*?{_END})", drawn):
        if piece.startswith(_LINE):
            between.append(html.unescape(piece[len(_LINE) : -len(_END)]))
        elif piece == _PAGE:
            between.append("")
        elif re.fullmatch(token, piece):
            between.append(None)
        else:
            texts[-1] += piece
            continue
        texts.append("")
    return _Part(tuple(texts), tuple(between))


def _filled(part: _Part) -> Markup:
    if "shell_words" not in g:
        g.shell_words = _Words(request.script_root, request.script_root + request.path, escape(request.full_path))
    here: _Words = g.shell_words
    lines = [url for url in part.between if url and here.leads_here(url)]
    words: dict[str | None, str] = {"": here.full}
    if None in part.between:
        words[None] = escape(generate_csrf())
    if lines:
        words[max(lines, key=len)] = _CURRENT
    drawn: list[str] = []
    for text, mark in zip(part.texts, part.between, strict=False):
        drawn += (text, words.get(mark, ""))
    drawn.append(part.texts[-1])
    return Markup("".join(drawn))  # noqa: S704 - drawn by templates, what is filled in is escaped


@dataclass(frozen=True)
class _Words:
    """Where the page is, found once for all of its parts."""

    root: str
    here: str
    full: Markup

    def leads_here(self, url: str) -> bool:
        return self.here == url or (url != f"{self.root}/" and self.here.startswith(url))
