"""What every answer carries: the content policy, and redirects that fragments survive."""

from __future__ import annotations

from flask import Flask, Response, make_response, request

from core.site.reader import language

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)


def install(app: Flask, *, secure: bool) -> None:
    """Add the headers to every answer of ``app``; ``secure`` when people reach it by https."""

    @app.after_request
    def protect(response: Response) -> Response:
        if response.status_code in (301, 302, 303) and request.headers.get("HX-Request"):
            # The browser would follow inside fetch, and the flashed message would be eaten by a page nobody sees.
            target = response.location
            cookies = response.headers.getlist("Set-Cookie")
            response = make_response("", 204)
            response.headers["HX-Redirect"] = target or "/"
            for cookie in cookies:
                response.headers.add("Set-Cookie", cookie)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if response.mimetype == "text/html":
            response.headers["Content-Language"] = language()
            # Pages show what the person may see now; a shared or stored copy would outlive the right.
            response.headers.setdefault("Cache-Control", "no-store")
        return response
