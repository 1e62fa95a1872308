"""The gate between requests, which share it, and changes of the Runtime, which need it alone.

Mapping a class while another thread flushes raises after that thread's commit. So a process that is about to import a
plugin closes the gate, waits for the requests inside, imports, and opens it again.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

log = logging.getLogger(__name__)

DRAIN = 5.0  # seconds to wait for requests inside; a slow download must not hold up everybody else


class Gate:
    """Many may be inside, or one may have it closed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._closed = False

    def enter(self) -> None:
        """Go in, waiting while the gate is closed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._inside += 1

    def leave(self) -> None:
        """Go out; once for every ``enter``."""
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    @contextlib.contextmanager
    def closed(self, drain: float = DRAIN) -> Iterator[None]:
        """Keep everybody out for the length of the block.

        Args:
            drain: seconds to wait for those inside; after that the block runs all the same, and the log says so.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._closed = True
            if not self._changed.wait_for(lambda: self._inside == 0, drain):
                log.warning("%d requests were still running after %g seconds.", self._inside, drain)
        try:
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()
