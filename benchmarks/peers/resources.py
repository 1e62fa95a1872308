"""django-import-export at work: ``python -m benchmarks.peers.resources import FILE | export ROWS``; prints seconds."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.peers.django_site import Contact, ExportResource, PersonResource


def bring_in(path: str) -> None:
    """Import a CSV file of people, one known by the key of the name being updated."""
    import tablib

    begun = time.perf_counter()
    result = PersonResource().import_data(tablib.Dataset().load(Path(path).read_text(), format="csv"), dry_run=False)
    assert not result.has_errors(), result.row_errors()[:1]
    print(time.perf_counter() - begun)


def write_out(rows: int) -> None:
    """Export people as CSV."""
    begun = time.perf_counter()
    chosen = Contact.objects.filter(kind="person").select_related("company").order_by("id")[:rows]
    text = ExportResource().export(chosen).csv
    assert text.count("\n") >= rows
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    if sys.argv[1] == "import":
        bring_in(sys.argv[2])
    else:
        write_out(int(sys.argv[2]))
