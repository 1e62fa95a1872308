"""The WSGI application of a process: every request is served by the Site of its generation."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any

from werkzeug.wsgi import ClosingIterator

from core.config import Config
from core.database.engine import reading
from core.database.marks import READS, TAKEN, SiteChanged
from core.site.runtime import Runtime, Watch
from core.site.site import Site

GENERATION_COOKIE = "peyvand_generation"


class Application:
    """WSGI: find the Site, go through the gate, let its Flask app answer."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen = seen_generation(environ)
        # A request is begun on the Site at hand, and learns with its first query whether that is the current one:
        # asking before took 0.6 ms of each. Nothing that was posted is read by then (``core.accounts.security``).
        site = self.runtime.site_at_hand(seen)
        if site is not None:
            environ[TAKEN] = site.generation
            try:
                return self._answer(site, environ, start_response)
            except SiteChanged:
                del environ[TAKEN]
        return self._answer(self.runtime.current_site(at_least=seen), environ, start_response)

    def _answer(
        self, site: Site, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        self.runtime.gate.enter()
        try:
            if environ.get("REQUEST_METHOD") in READS:
                with reading():
                    body = site.wsgi(environ, start_response)
            else:
                body = site.wsgi(environ, start_response)
        except BaseException:
            self.runtime.gate.leave()
            raise
        return ClosingIterator(body, self.runtime.gate.leave)


def seen_generation(environ: dict[str, Any]) -> int:
    """The generation that this browser switched to or saw last; 0 when it says nothing sensible."""
    cookies = environ.get("HTTP_COOKIE", "")
    if GENERATION_COOKIE not in cookies:
        return 0  # only who switches modules has it
    try:
        morsel = SimpleCookie(cookies).get(GENERATION_COOKIE)
    except CookieError:
        return 0
    text = morsel.value if morsel else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def create_application(config: Config) -> Application:
    """The application of a web process, its Site built and its watch running."""
    runtime = Runtime(config, kind="web")
    runtime.current_site()
    Watch(runtime).start()
    atexit.register(runtime.sign_off)
    return Application(runtime)
