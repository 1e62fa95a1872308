"""HTTP to other hosts: to an address that was checked, within a deadline, never following a redirect.

A redirect could lead into the network of the house after the first address was found to be outside; so it is an answer
like any other, and the caller decides.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.errors import Blocked
from core.outbound import connect

DEADLINE = 10.0  # seconds for the whole exchange
LIMIT = 256 * 1024  # bytes of an answer
SAME_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class Unanswered(Exception):
    """There was no answer, none in time, or a longer one than was asked for; the text is for the log."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            Unanswered: it is something else.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Unanswered("The answer is not JSON.") from error


def fetch(
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    allowed: Sequence[str] = (),
    deadline: float = DEADLINE,
    limit: int = LIMIT,
) -> Answer:
    """GET ``url``, or POST ``body`` to it.

    Args:
        url: an https address; http only to this machine.
        body: what to post.
        headers: further headers.
        allowed: names and networks of one's own that may be reached (``core.outbound``).
        deadline: seconds for all of it.
        limit: bytes that the answer may have.

    Raises:
        Unanswered: see there.
    """
    ends_at = time.monotonic() + deadline
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        if not host or parts.username is not None:
            raise ValueError("no host, or a password in the address")
        if parts.scheme != "https" and not (parts.scheme == "http" and host in SAME_MACHINE):
            raise ValueError("not https")
        raw = connect(host, port, deadline, allowed)
    except (Blocked, OSError, ValueError) as error:
        raise Unanswered(f"{url[:200]} cannot be reached: {error}") from error
    # Single reads have their time-outs; a host that sends a byte now and then is ended by this.
    guard = threading.Timer(max(0.0, ends_at - time.monotonic()), _cut, [raw])
    guard.daemon = True
    guard.start()
    connection = http.client.HTTPConnection(host, port, timeout=deadline)
    try:
        encrypted = parts.scheme == "https"
        context = ssl.create_default_context()
        connection.sock = context.wrap_socket(raw, server_hostname=host) if encrypted else raw
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        given = {"Accept": "application/json", "User-Agent": "Peyvand", **(headers or {})}
        connection.request("GET" if body is None else "POST", path, body, given)
        with connection.getresponse() as response:
            status, read = response.status, response.read(limit + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unanswered(f"{url[:200]} does not answer: {error.__class__.__name__}") from error
    finally:
        guard.cancel()
        connection.close()
        raw.close()
    if len(read) > limit:
        raise Unanswered(f"{url[:200]} answers with more than {limit} bytes.")
    if time.monotonic() > ends_at:
        raise Unanswered(f"{url[:200]} does not answer in time.")
    return Answer(status, read)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended by itself
