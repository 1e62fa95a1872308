"""A copy of a plugin's tables as open files, taken before they are dropped."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.accounts.models import now
from core.database.migrations import own_tables

BATCH = 1000


def export_tables(connection: Connection, plugin: str, folder: Path) -> Path | None:
    """Write every table of ``plugin`` as a CSV file into one archive; its path, None when there is no table.

    The archive holds whatever the plugin held, so only the owner of the installation may read it.
    """
    names = own_tables(connection, plugin)
    if not names:
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{plugin}-{now():%Y%m%d-%H%M%S}.zip"
    found = sa.MetaData()
    found.reflect(connection, only=names)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in found.sorted_tables:
            if table.name not in names:
                continue
            with archive.open(f"{table.name}.csv", "w") as raw, io.TextIOWrapper(raw, "utf-8", newline="") as text:
                writer = csv.writer(text)
                writer.writerow([column.name for column in table.columns])
                result = connection.execution_options(yield_per=BATCH).execute(sa.select(table))
                for row in result:
                    writer.writerow(row)
    path.chmod(0o600)
    return path
