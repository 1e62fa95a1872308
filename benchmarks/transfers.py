"""Bringing 100,000 people in and writing as many out: ours through the real job and page, peers as they do it."""

from __future__ import annotations

import csv
import http.client
import io
import random
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

import psutil

from benchmarks import people
from benchmarks.loading import Loader
from benchmarks.pages import PEOPLE, Bench
from benchmarks.peers import set_based
from benchmarks.serving import ROOT, sign_in
from core.database.base import METADATA
from core.text import fold_both, sort_key

DONE, ENDED = "done", ("done", "failed", "cancelled")
WAIT = 3600  # seconds for one job
MEGA = 1_000_000


class Peak(threading.Thread):
    """Watches the memory of processes; ``megabytes`` is the most that any of them had for itself.

    Pages of files do not count: SQLite reads its file through memory that all processes share, and which the system
    takes back whenever it wants.
    """

    def __init__(self, root: int, words: str) -> None:
        super().__init__(daemon=True)
        self.root = psutil.Process(root)
        self.words = words
        self.megabytes = 0.0
        self.ended = threading.Event()

    def __enter__(self) -> Peak:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join()

    def run(self) -> None:
        while not self.ended.wait(0.05):
            for process in self.root.children(recursive=True):
                try:
                    if self.words in " ".join(process.cmdline()):
                        memory = process.memory_info()
                        self.megabytes = max(self.megabytes, (memory.rss - memory.shared) / MEGA)
                except psutil.Error:
                    continue


def write_people(path: Path, rows: int) -> None:
    """A CSV file of people of whom a tenth is in the database already and a hundredth stands in the file twice."""
    random_ = random.Random(people.SEED + 2)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("First name", "Last name", "Job title", "E-mail", "Phone", "City"))
        for n in range(rows):
            first, last = people.names(random_)
            number = n // 2 if n % 100 == 99 else n
            known = people.email(number + 50_000) if n % 10 == 0 else f"new{number}@mail.example"
            phone = f"+98935{number:07d}"
            writer.writerow((first, last, random_.choice(people.JOBS), known, phone, random_.choice(people.CITIES)))


def write_for_django(source: Path, path: Path) -> None:
    """The same people with the columns that the peer's resource reads."""
    with source.open(encoding="utf-8", newline="") as file, path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(
            ("kind", "name", "name_key", "name_sort", "search_text", "status", "city", "private", "first_name",
             "last_name", "job_title", "version")
        )  # fmt: skip
        for n, row in enumerate(csv.DictReader(file)):
            name = f"{row['First name']} {row['Last name']} {n}"
            key = fold_both(name).replace(" ", "")
            writer.writerow(
                ("person", name, key, sort_key(name)[:400], fold_both(name), "prospect", row["City"], "0",
                 row["First name"], row["Last name"], row["Job title"], 1)
            )  # fmt: skip


def importing(bench: Bench, folder: Path) -> None:
    """One file, three ways."""
    rows, report = bench.size.imported, bench.report
    tenth, whole, theirs = folder / "tenth.csv", folder / "people.csv", folder / "django.csv"
    write_people(whole, rows)
    write_people(tenth, rows // 10)
    write_for_django(whole, theirs)
    floor = set_based.bring_in(bench.floor.loader, whole)
    small_seconds, small_peak = _import_ours(bench, tenth)
    undo_ours(bench)
    before = fingerprints(bench.floor.loader)
    seconds, peak = _import_ours(bench, whole)
    imported = bench.floor.loader.run("SELECT count(*) FROM contacts_contact WHERE id > %s", bench.size.contacts)[0][0]
    undone = undo_ours(bench)
    changed = [table for table, print_ in fingerprints(bench.floor.loader).items() if print_ != before[table]]
    django = _run_peer(bench, "import", str(theirs))
    _forget(bench)
    report.say(
        f"{'import of ' + format(rows, ','):34} · ours {seconds:.1f} s (a tenth {small_seconds:.1f} s), undone in "
        f"{undone:.1f} s · django-import-export {django:.1f} s · COPY with set-based de-duplication {floor:.1f} s · "
        f"peak {peak:.0f} MB (a tenth {small_peak:.0f} MB)"
    )
    report.say(f"{'':34} · {imported:,} new people; tables that differ after undoing: {', '.join(changed) or 'none'}")
    report.judge("tables that differ after import and undo", len(changed), 0, "")
    report.judge("import, audited and undoable", seconds / floor, 3, "× COPY")
    report.judge("import, audited and undoable", seconds / django, 0.15, "× d-i-e")
    report.judge("memory of the whole over a tenth", peak - small_peak, 20, "MB")


def _import_ours(bench: Bench, path: Path) -> tuple[float, float]:
    """Seconds from pressing Import to the end of the job, and the worker's memory."""
    browser = bench.queries.browser
    browser.get("/import/contacts.person")
    sent = {"file": (io.BytesIO(path.read_bytes()), path.name)}
    answer = browser.post("/import/contacts.person", data=sent, content_type="multipart/form-data")
    address = answer.location.removesuffix("/columns")
    page = browser.get(f"{address}/columns").get_data(as_text=True)
    browser.post(f"{address}/columns", data=_chosen(page))
    _settle(bench)
    with Peak(_root(bench), "core.serve worker") as peak:
        begun = time.perf_counter()
        browser.post(f"{address}/run")
        _settle(bench)
        seconds = time.perf_counter() - begun
    return seconds, peak.megabytes


def _chosen(page: str) -> dict[str, str]:
    form = {}
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        form[name] = chosen[1] if chosen else ""
    return form


def _settle(bench: Bench) -> None:
    """Wait until no job is left that anybody asked for."""
    deadline = time.monotonic() + WAIT
    live = "SELECT count(*) FROM core_job WHERE status IN ('queued', 'running') AND schedule IS NULL"
    while time.monotonic() < deadline:
        if bench.floor.loader.run(live)[0][0] == 0:
            return
        time.sleep(0.05)
    raise TimeoutError("A job does not end.")


def undo_ours(bench: Bench) -> float:
    """Undo the newest import through its page; returns seconds."""
    browser = bench.queries.browser
    (number,) = bench.floor.loader.run(
        "SELECT id FROM core_operation WHERE kind = 'import' ORDER BY started_at DESC LIMIT 1"
    )[0]
    begun = time.perf_counter()
    browser.get(f"/operations/{number}")
    answer = browser.post(f"/operations/{number}/undo")
    assert answer.status_code == 303, f"undoing answered {answer.status_code}"
    _settle(bench)
    return time.perf_counter() - begun


def fingerprints(loader: Loader) -> dict[str, object]:
    """A number for the content of every table of records; it does not depend on the order of the rows."""
    found: dict[str, object] = {}
    for table in METADATA.tables:
        if table.startswith("core_") and table not in ("core_note", "core_attachment", "core_user"):
            continue  # the journal: what was done stays told
        if loader.is_sqlite:
            found[table] = sum(map(hash, loader.run(f"SELECT * FROM {table}")))  # noqa: S608 - names of ours
        else:
            sum_ = "sum(hashtextextended(t::text, 0)::numeric)"
            found[table] = loader.run(f"SELECT count(*), {sum_} FROM {table} t")  # noqa: S608 - names of ours
    return found


def _run_peer(bench: Bench, *words: str) -> float:
    command = [sys.executable, "-m", "benchmarks.peers.resources", *words]
    done = subprocess.run(
        command, cwd=ROOT, env=bench.django_server.environ, check=True, capture_output=True, text=True
    )
    return float(done.stdout.split()[-1])


def _forget(bench: Bench) -> None:
    """Remove what the peer imported."""
    last = bench.size.contacts
    for table, column in (
        ("contacts_email", "contact_id"),
        ("contacts_phone", "contact_id"),
        ("contacts_contact", "id"),
    ):
        bench.floor.loader.run(f"DELETE FROM {table} WHERE {column} > {last}")  # noqa: S608 - names of ours


def exporting(bench: Bench) -> None:
    """The columns of the list as CSV, streamed, and as XLSX, written by a job."""
    rows, report = bench.size.imported, bench.report
    stop = bench.floor.loader.run(
        "SELECT created_at FROM contacts_contact WHERE kind = 'person' ORDER BY id LIMIT 1 OFFSET %s", rows
    )
    asked = [("flt0_created_at__ge", str(stop[0][0])[:10])] if stop else []
    first, whole, size, grown = _download(bench, "csv", asked)
    django = _run_peer(bench, "export", str(rows))
    report.say(
        f"{'export as csv':34} · first byte {first:.2f} s, {size / MEGA:.1f} MB in {whole:.1f} s, +{grown:.0f} MB · "
        f"django-import-export {django:.1f} s"
    )
    report.judge("export as csv, first byte", first, 0.5, "s")
    report.judge("export as csv", whole / django, 0.3, "× d-i-e")
    report.judge("export as csv, memory", grown, 20, "MB")
    # A large workbook is written by a job: the answer is the page that shows how far it is.
    with Peak(_root(bench), "core.serve worker") as before:
        time.sleep(0.3)
    with Peak(_root(bench), "core.serve worker") as peak:
        begun = time.perf_counter()
        first, _, _, _ = _download(bench, "xlsx", asked)
        _settle(bench)
        whole = time.perf_counter() - begun
    grown = peak.megabytes - before.megabytes
    report.say(f"{'export as xlsx':34} · answer {first:.2f} s, file after {whole:.1f} s, +{grown:.0f} MB")
    report.judge("export as xlsx, answer", first, 0.5, "s")
    report.judge("export as xlsx, memory", grown, 20, "MB")


def _root(bench: Bench) -> int:
    assert bench.served._process is not None
    return bench.served._process.pid


def _download(bench: Bench, kind: str, asked: list[tuple[str, str]]) -> tuple[float, float, int, float]:
    """Ask for a file as the button of the page does; seconds to the first byte and in all, bytes, and grown memory."""
    client = sign_in(bench.served)
    client.get(f"{PEOPLE}export")
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    form = urlencode([*asked, ("format", kind), ("fields", "list"), ("now", "1"), ("csrf_token", client.token)])
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=600)
    with Peak(_root(bench), "core.serve web") as before:
        time.sleep(0.3)
    with Peak(_root(bench), "core.serve web") as peak:
        begun = time.perf_counter()
        connection.request("POST", f"{PEOPLE}export", form, headers)
        answer = connection.getresponse()
        assert answer.status == (200 if kind == "csv" else 303), f"export as {kind} answered {answer.status}"
        answer.read(1)
        first = time.perf_counter() - begun
        size = 1
        while chunk := answer.read(1 << 16):
            size += len(chunk)
    connection.close()
    return first, time.perf_counter() - begun, size, peak.megabytes - before.megabytes
