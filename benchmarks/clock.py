"""Requests over real HTTP with connections kept open, and what they took."""

from __future__ import annotations

import gzip
import http.client
import re
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import psutil

PATIENCE = 10.0  # seconds for one page of one program, which a peer may need for a single search
LEAST = 5  # times that each is asked all the same
TURN = 10  # requests to one program before it is another's turn
WARM = 4  # requests that do not count
TOKENS = (r'name="csrf-token" content="([^"]+)"', r'name="csrfmiddlewaretoken" value="([^"]+)"')


class HttpClient:
    """One browser without a screen; ``field`` is what its forms call the token that guards them."""

    def __init__(self, port: int, field: str = "csrf_token") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self.port = port
        self.field = field
        self.cookies: dict[str, str] = {}
        self.token = ""
        self.status = 0
        self.headers: http.client.HTTPMessage = http.client.HTTPMessage()

    def get(self, path: str) -> str:
        """The text of a page."""
        return self._send("GET", path, None)

    def post(self, path: str, values: Sequence[tuple[str, str]]) -> str:
        """Send a form with the token of the page read last."""
        body = urlencode([*values, (self.field, self.token)])
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, body: str | None) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Referer"] = f"http://127.0.0.1:{self.port}/"
        answer = self._ask(method, path, body, headers)
        text = answer.read().decode("utf-8", "replace")
        self.status, self.headers = answer.status, answer.headers
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value
        for pattern in TOKENS:
            if found := re.search(pattern, text):
                self.token = found[1]
        return text

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Send on the open connection; one that the server closed in the meantime is opened again."""
        try:
            self.connection.request(method, path, body, headers)
            return self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.connection.close()
            self.connection.request(method, path, body, headers)
            return self.connection.getresponse()

    def twin(self) -> HttpClient:
        """Another connection of the same signed-in browser."""
        other = HttpClient(self.port, self.field)
        other.cookies, other.token = dict(self.cookies), self.token
        return other


@dataclass(frozen=True)
class Times:
    """Seconds of many requests, and the processor time that each took in the server."""

    seconds: tuple[float, ...]
    cpu: float = 0.0

    @property
    def p50(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]


def timed(request: Callable[[], object], times: int) -> Times:
    """Call ``request`` ``times`` times; fewer of what takes seconds."""
    return by_turns([request], times)[0]


def by_turns(requests: Sequence[Callable[[], object]], times: int) -> list[Times]:
    """Call each request ``times`` times, some of one and then some of the next, and so on.

    The machine is a quarter slower at one moment than at another; like this all requests have their part of each.
    The first calls of each do not count. What takes seconds is called less often.
    """
    took: list[list[float]] = [[] for _ in requests]
    for request in requests:
        for _ in range(WARM):
            request()
    for begin in range(0, times, TURN):
        for request, seconds in zip(requests, took, strict=True):
            for _ in range(min(TURN, times - begin)):
                if sum(seconds) > PATIENCE and len(seconds) >= LEAST:
                    break
                begun = time.perf_counter()
                request()
                seconds.append(time.perf_counter() - begun)
    return [Times(tuple(seconds)) for seconds in took]


def crowd(client: HttpClient, path: str, clients: int, times: int, server: Sequence[psutil.Process]) -> Times:
    """``clients`` at once ask for ``path``, ``times`` times each; fewer of what takes seconds."""
    seconds: list[float] = []
    lock = threading.Lock()

    def visit() -> None:
        own = client.twin()
        own.get(path)
        taken: list[float] = []
        while len(taken) < times and sum(taken) <= PATIENCE:
            begun = time.perf_counter()
            own.get(path)
            taken.append(time.perf_counter() - begun)
        with lock:
            seconds.extend(taken)
        own.connection.close()

    before = cpu_of(server)
    visitors = [threading.Thread(target=visit) for _ in range(clients)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    used = cpu_of(server) - before
    return Times(tuple(seconds), used / max(len(seconds) + clients, 1))


def cpu_of(processes: Sequence[psutil.Process]) -> float:
    """Seconds of processor time these processes have used."""
    used = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used


def packed(text: str) -> int:
    """Bytes of a page as it travels, compressed."""
    return len(gzip.compress(text.encode(), 6))
