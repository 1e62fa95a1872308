"""How many statements a page of ours costs, counted in a copy of the site inside this process."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from core.testing.installation import TestInstallation
from core.testing.serving import ServedInstallation


class QueryCounter:
    """The same installation once more, in this process, where statements can be counted."""

    def __init__(self, served: ServedInstallation) -> None:
        self.installation = TestInstallation(served.config, served.runtime)
        self.browser = self.installation.browser("administrator")

    def count(self, path: str) -> int:
        """Statements that one request for ``path`` runs, those that read the session's user included."""
        self.browser.get(path)
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        engine = self.installation.runtime.database.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            answer = self.browser.get(path)
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        assert answer.status_code == 200, f"{path} answered {answer.status_code}"
        return len(seen)

    def deep_arguments(self, key: tuple[str, int], offset: int) -> dict[str, Any]:
        """What the address of the list says for the page after ``key``, which is ``offset`` rows down."""
        return {"page": offset // 25, "sort": "name"}
