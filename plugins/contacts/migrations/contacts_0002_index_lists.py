"""Index what lists of a million contacts are filtered and ordered by, and the parts of their words."""

from alembic import op

from core import index_words

revision = "contacts_0002"
down_revision = "contacts_0001"


def upgrade() -> None:
    table = "contacts_contact"
    op.drop_index(f"ix_{table}_status", table)
    for column in ("city", "status"):
        op.create_index(f"ix_{table}_kind_{column}", table, ["kind", column, "name_sort", "id"])
    op.create_index(f"ix_{table}_birthday", table, ["birthday"])
    for table in ("contacts_contact", "contacts_tag"):
        index_words(op.get_bind(), table)
