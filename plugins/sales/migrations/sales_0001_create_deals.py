"""Create pipelines, stages, lost reasons, deals and their stage history."""

import sqlalchemy as sa
from alembic import op

revision = "sales_0001"
down_revision = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MANAGED = ("created_at", "archived_at")


def _record_columns() -> list[sa.Column]:
    """What every record has."""
    return [
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("archived_at", sa.DateTime()),
        sa.Column("created_by_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="SET NULL")),
        sa.Column("updated_by_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="SET NULL")),
    ]


def _link(name: str, table: str, on_delete: str = "SET NULL") -> sa.Column:
    return sa.Column(name, ROW_ID, sa.ForeignKey(f"{table}.id", ondelete=on_delete))


def _index(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])


def upgrade() -> None:
    for table in ("sales_pipeline", "sales_lost_reason"):
        op.create_table(
            table,
            *_record_columns(),
            sa.Column("name", sa.String(80), nullable=False),
            sa.Column("position", sa.Integer(), nullable=False),
        )
        _index(table, *MANAGED)

    op.create_table(
        "sales_stage",
        *_record_columns(),
        _link("pipeline_id", "sales_pipeline", "CASCADE"),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("probability", sa.Integer(), nullable=False),
        sa.Column("color", sa.String(12), nullable=False),
        sa.Column("rot_days", sa.Integer()),
    )
    _index("sales_stage", *MANAGED, "pipeline_id")

    op.create_table(
        "sales_deal",
        *_record_columns(),
        sa.Column("owner_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="SET NULL")),
        sa.Column("name_sort", sa.String(400), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("amount", sa.BigInteger()),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("expected_close", sa.Date()),
        sa.Column("probability", sa.Integer()),
        sa.Column("next_step", sa.String(200)),
        sa.Column("lost_note", sa.Text()),
        sa.Column("closed_at", sa.DateTime()),
        _link("pipeline_id", "sales_pipeline"),
        _link("stage_id", "sales_stage"),
        _link("contact_id", "contacts_contact"),
        _link("company_id", "contacts_contact"),
        _link("lost_reason_id", "sales_lost_reason"),
    )
    _index("sales_deal", *MANAGED, "owner_id", "name_sort", "expected_close", "closed_at")
    _index("sales_deal", "pipeline_id", "stage_id", "contact_id", "company_id", "lost_reason_id")

    op.create_table(
        "sales_stage_change",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("deal_id", ROW_ID, sa.ForeignKey("sales_deal.id", ondelete="CASCADE"), nullable=False),
        _link("from_stage_id", "sales_stage"),
        _link("stage_id", "sales_stage"),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.Column("left_at", sa.DateTime()),
        sa.Column("actor_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="SET NULL")),
    )
    _index("sales_stage_change", "from_stage_id", "stage_id")
    op.create_index("ix_sales_stage_change_deal_id_left_at", "sales_stage_change", ["deal_id", "left_at"])
