"""Index what lists of deals are ordered by, and the parts of their words."""

from alembic import op

from core import index_words

revision = "sales_0002"
down_revision = "sales_0001"


def upgrade() -> None:
    op.create_index("ix_sales_deal_amount", "sales_deal", ["amount"])
    index_words(op.get_bind(), "sales_deal")
