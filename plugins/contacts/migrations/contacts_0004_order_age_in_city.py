"""Order the people of a city and an age by name within the index; every list of contacts is of one kind."""

from alembic import op

revision = "contacts_0004"
down_revision = "contacts_0003"

TABLE = "contacts_contact"
AGE = f"ix_{TABLE}_kind_city_birthday"


def upgrade() -> None:
    op.drop_index(AGE, table_name=TABLE)
    op.create_index(AGE, TABLE, ["kind", "city", "birthday", "archived_at", "name_sort"])
    op.drop_index(f"ix_{TABLE}_name_sort", table_name=TABLE)
