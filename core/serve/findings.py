"""What one check of the doctor found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What one check found; ``sentence`` says what to do unless ``good``."""

    good: bool
    subject: str
    sentence: str
