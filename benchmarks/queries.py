"""How many statements a page of ours costs, counted in a copy of the site inside this process."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import sqlalchemy as sa

from core.records.place import Place, write_place
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
        """What the address of the people's list says for the page after ``key``, which is ``offset`` rows down.

        Nobody pages so far by hand; a saved link does. The place is written as the list writes it.
        """
        page = self.browser.get("/contacts/person/").get_data(as_text=True)
        found = re.search(r"[?&;]after=([A-Za-z0-9_-]+)", page)
        assert found, "The list has no next page."
        signature, *_ = json.loads(base64.b64decode(found[1] + "=" * (-len(found[1]) % 4), altchars=b"-_"))
        return {"after": write_place(Place((key[0],), key[1], offset), signature)}
