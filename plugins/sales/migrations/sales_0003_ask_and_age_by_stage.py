"""What stages ask for, since when deals are in theirs, and indexes for a board of many deals."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "sales_0003"
down_revision = "sales_0002"

ALIVE: Any = dict.fromkeys(("postgresql_where", "sqlite_where"), sa.text("archived_at IS NULL"))


def upgrade() -> None:
    op.add_column("sales_stage", sa.Column("required_fields", sa.JSON()))
    op.add_column("sales_stage", sa.Column("card_limit", sa.Integer()))
    op.add_column("sales_deal", sa.Column("stage_since", sa.DateTime()))
    op.execute(
        "UPDATE sales_deal SET stage_since = (SELECT max(entered_at) FROM sales_stage_change"
        " WHERE deal_id = sales_deal.id AND left_at IS NULL) WHERE closed_at IS NULL"
    )
    op.create_index("ix_sales_deal_cards", "sales_deal", ["stage_id", "expected_close", "id"], **ALIVE)
    op.create_index("ix_sales_deal_sums", "sales_deal", ["stage_id", "currency", "probability", "amount"], **ALIVE)
