"""Templates as this process compiled them, for every Site it builds."""

from __future__ import annotations

from types import CodeType

from jinja2.bccache import Bucket, BytecodeCache

MOST = 2_000  # templates; more than any installation has


class CompiledTemplates(BytecodeCache):
    """Keeps the code of templates in memory, by path and content.

    Each Site has an environment of its own, since its filters and globals are its own; but the code of a template
    depends on its text alone. Without this the pages after a module was switched waited for forty templates each.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give ``bucket`` the code of its template, where the text is still the same."""
        checksum, code = self._kept.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was just compiled."""
        if len(self._kept) >= MOST:
            self._kept.clear()
        if bucket.code is not None:
            self._kept[bucket.key] = (bucket.checksum, bucket.code)


compiled_templates = CompiledTemplates()
"""One for the process: every Site's environment compiles the same way."""
