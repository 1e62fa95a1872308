"""What a large import costs: python benchmarks/importing.py [rows]

Prints seconds and peak memory for a tenth of the rows and for all of them, through the real job, on SQLite and
PostgreSQL. Memory must not grow with the file.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from core.testing.installation import Installations
from core.testing.servers import PostgresServer, RedisServer

ROWS = 100_000
FIRST = ("Ada", "Grace", "علی", "زهرا", "Linus", "Margaret", "کاوه", "Radia")
LAST = ("Applewood", "Birch", "کریمی", "رضایی", "Cedar", "Elm", "موسوی", "Hazel")


def people(rows: int) -> bytes:
    """A CSV file of made-up people, each with a phone number and an e-mail address."""
    text = io.StringIO()
    text.write("First name,Last name,Company,Job title,E-mail,Phone,City\r\n")
    for n in range(rows):
        name = f"{FIRST[n % 8]},{LAST[n // 8 % 8]} {n}"
        text.write(f"{name},Company {n % 500},Buyer,person{n}@mail.example,+98912{n:07d},City {n % 90}\r\n")
    return text.getvalue().encode()


class Peak(threading.Thread):
    """Watches the memory of this process; ``megabytes`` is the most that was seen."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        process = psutil.Process()
        while not self.ended.wait(0.05):
            self.megabytes = max(self.megabytes, process.memory_info().rss / 1e6)


def measure(installations: Installations, dialect: str, rows: int) -> None:
    """Import a file of ``rows`` people into a fresh installation and print what it took."""
    installation = installations.make(dialect, ("contacts",))
    browser = installation.browser("administrator")
    browser.get("/import/contacts.person")
    sent = {"file": (io.BytesIO(people(rows)), "people.csv")}
    answer = browser.post("/import/contacts.person", data=sent, content_type="multipart/form-data")
    address = answer.location.removesuffix("/columns")
    page = browser.get(f"{address}/columns").get_data(as_text=True)
    form = {}
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        form[name] = chosen[1] if chosen else ""
    browser.post(f"{address}/columns", data=form)
    browser.post(f"{address}/run")
    peak, begun = Peak(), time.perf_counter()
    peak.start()
    installation.run_jobs()
    seconds = time.perf_counter() - begun
    peak.ended.set()
    print(f"{dialect:10} {rows:7} rows  {seconds:6.1f} s  {rows / seconds:6.0f} rows/s  peak {peak.megabytes:4.0f} MB")
    installation.close()


def main() -> None:
    """Measure on both databases."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as folder, RedisServer() as redis, PostgresServer() as postgres:
        installations = Installations(Path(folder), lambda: postgres, redis.url)
        for dialect in ("sqlite", "postgresql"):
            for count in (rows // 10, rows):
                measure(installations, dialect, count)


if __name__ == "__main__":
    main()
