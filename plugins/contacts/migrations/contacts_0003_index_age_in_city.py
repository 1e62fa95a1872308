"""Index the people of a city by age, so that how many there are is read from the index alone."""

from alembic import op

revision = "contacts_0003"
down_revision = "contacts_0002"

TABLE = "contacts_contact"


def upgrade() -> None:
    op.create_index(f"ix_{TABLE}_kind_city_birthday", TABLE, ["kind", "city", "birthday", "archived_at"])
