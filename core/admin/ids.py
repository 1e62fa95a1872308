"""Record ids as they come in from outside."""

from __future__ import annotations

import re
from typing import NoReturn

from flask import abort

LARGEST = 2**63 - 1
_ID = re.compile("[0-9]{1,19}", re.ASCII)


def read_id(text: object) -> int | None:
    """The id written in ``text`` in plain digits; None for anything that cannot be the id of a record."""
    plain = str(text)
    if not _ID.fullmatch(plain):
        return None
    number = int(plain)
    return number if 1 <= number <= LARGEST else None


def not_found() -> NoReturn:
    """Answer 404: a record that is missing and one that is forbidden look the same."""
    abort(404)
