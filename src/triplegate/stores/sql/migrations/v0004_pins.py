"""Step 4: pinned tool definitions, approvals of calls, and the digest of a tool call's arguments."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make columns and tables."""
    op.add_column("records", sa.Column("arguments", sa.Text, nullable=False, server_default=sa.text("''")))
    _pins()
    _approvals()


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _moment(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=False)


def _pins() -> None:
    op.create_table(
        "mcp_pins",
        *_text("server", "tool", "fingerprint", "shape", "findings"),
        _moment("first_seen"),
        *_text("standing", "actor"),
        _moment("decided"),
        *_text("definition"),
        sa.PrimaryKeyConstraint("server", "tool", "fingerprint"),
    )
    op.create_index("mcp_pins_seen", "mcp_pins", ["server", "standing", "first_seen"])


def _approvals() -> None:
    op.create_table(
        "mcp_approvals",
        *_text("approval_id", "server", "tool", "org", "team", "consumer", "key_id", "digest", "arguments", "ask"),
        _moment("asked"),
        _moment("until"),
        *_text("state", "actor"),
        _moment("decided"),
        sa.PrimaryKeyConstraint("approval_id"),
    )
    op.create_index("mcp_approvals_asked", "mcp_approvals", ["asked"])
    op.create_index("mcp_approvals_state", "mcp_approvals", ["state", "until"])
