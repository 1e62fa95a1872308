"""The newest seal, written outside of the database, so that rows cut off at the end are missed too."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.config import Config
from core.errors import PeyvandError
from core.private_file import write_over


class AnchorError(PeyvandError):
    """The file is there and cannot be read."""


@dataclass(frozen=True)
class Anchor:
    """What the file says: the number and digest of a seal, the last audit row it covers, and when it was made."""

    number: int
    digest: str
    last_id: int
    at: str


def anchor_file(config: Config) -> Path:
    """Where the anchor of an installation lies. Copies of it elsewhere are as good."""
    return config.instance / "audit-anchor"


def read_anchor(path: Path) -> Anchor | None:
    """The anchor in a file, None where there is no such file.

    Raises:
        AnchorError: it cannot be read, or is no anchor.
    """
    try:
        found: Any = json.loads(path.read_text("utf-8"))
        return Anchor(int(found["number"]), str(found["digest"]), int(found["last_id"]), str(found["at"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise AnchorError(f"{path} is no anchor of the audit that can be read.") from error


def write_anchor(path: Path, anchor: Anchor) -> None:
    """Put the anchor in its place, whole or not at all."""
    write_over(path, json.dumps(asdict(anchor)))
