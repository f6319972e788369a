"""Step 3: budgets of keys, raises, an outbox, and counters of budgets for nodes that share only a database."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make columns and tables."""
    op.add_column("keys", sa.Column("budget", sa.Text, nullable=False, server_default=sa.text("''")))
    _raises()
    _outbox()
    _counters()


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _number(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _moment(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=nullable)


def _raises() -> None:
    op.create_table(
        "budget_raises",
        *_text("raise_id", "bucket"),
        *_number("amount"),
        _moment("until"),
        *_text("reason", "actor"),
        _moment("created"),
        sa.PrimaryKeyConstraint("raise_id"),
    )
    op.create_index("budget_raises_until", "budget_raises", ["until"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        *_text("message_id", "kind", "body"),
        _moment("created"),
        _moment("due"),
        *_number("tries"),
        *_text("state", "failure"),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("outbox_due", "outbox", ["state", "due"])


def _counters() -> None:
    op.create_table(
        "budget_counters",
        *_text("bucket"),
        *_number("period", "spent", "held"),
        *_text("slices"),
        _moment("until"),
        sa.PrimaryKeyConstraint("bucket"),
    )
    op.create_table(
        "budget_holds",
        *_text("hold", "bucket"),
        *_number("period", "amount"),
        _moment("expires"),
        sa.PrimaryKeyConstraint("hold"),
    )
    op.create_index("budget_holds_bucket", "budget_holds", ["bucket", "expires"])
    op.create_table("budget_settled", *_text("hold"), _moment("at"), sa.PrimaryKeyConstraint("hold"))
    op.create_index("budget_settled_at", "budget_settled", ["at"])
