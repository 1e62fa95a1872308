"""Where the pages of records are, for lists of many things about them."""

from __future__ import annotations

from flask import url_for

from core.records.policy import may


class RecordFolders:
    """Addresses and rights by type of record, asked for once and not for every entry of a story.

    What can be done with a record lies below its page, ``<page>/note/7``: the addresses of ``RecordView``.
    """

    def __init__(self) -> None:
        self._pages: dict[str, str] = {}
        self._editable: dict[str, bool] = {}

    def page(self, record_type: str, record_id: int) -> str:
        """The address of a record's page."""
        if record_type not in self._pages:
            page = url_for(f"{record_type.replace('.', '_')}.details_view", id=0)
            self._pages[record_type] = page.removesuffix("0")
        return f"{self._pages[record_type]}{record_id}"

    def may_edit(self, record_type: str) -> bool:
        """Whether the actor may edit records of this type."""
        if record_type not in self._editable:
            self._editable[record_type] = may(f"{record_type}.edit")
        return self._editable[record_type]
