"""The newest report of a workstation is found by an index, not by reading all."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_report_machine_received", "report", ["machine_id", "received_at"])
