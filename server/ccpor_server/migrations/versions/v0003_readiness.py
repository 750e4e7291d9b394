"""Deciding: waivers, owners, comments, documents, signatures, baselines, incidents, notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "waiver",
    "assignment",
    "comment",
    "attachment",
    "decision",
    "baseline",
    "incident",
    "incident_event",
    "run_request",
    "run_answer",
)


def upgrade() -> None:
    _people()
    _waiver()
    _assignment()
    _comment()
    _attachment()
    _decision()
    _baseline()
    _incident()
    _incident_event()
    _run_request()
    _run_answer()
    _notice()
    _saved_view()
    _draft()
    _standing()
    _sample()
    for table in APPEND_ONLY:
        _guard(table, op.get_bind().dialect.name)


def _people() -> None:
    for column in (
        sa.Column("email", sa.String(320), nullable=True),
        sa.Column("subject", sa.String(500), nullable=True),
        sa.Column("totp", sa.Text(), nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=True),
    ):
        op.add_column("person", column)
    op.create_index("uq_person_subject", "person", ["subject"], unique=True)
    op.add_column(
        "session", sa.Column("method", sa.String(16), nullable=False, server_default="password")
    )
    op.execute("UPDATE person SET role = 'court-manager' WHERE role = 'court'")


def _guard(table: str, dialect: str) -> None:
    """Refuse UPDATE and DELETE on the table's rows, as the first migration does for its own."""
    if dialect == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION ccpor_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ccpor_refuse()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _waiver() -> None:
    op.create_table('waiver',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('court', sa.String(length=64), nullable=False),
        sa.Column('item', sa.String(length=64), nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('refers_to', sa.String(length=36), nullable=True),
        sa.Column('code', sa.String(length=100), nullable=True),
        sa.Column('location', sa.String(length=64), nullable=True),
        sa.Column('machine', sa.String(length=36), nullable=True),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('until', sa.String(length=10), nullable=True),
        sa.Column('who', sa.String(length=200), nullable=False),
        sa.Column('at', sa.String(length=27), nullable=False),
        sa.Column('log_index', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_waiver_court')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_waiver')),
        sa.UniqueConstraint('log_index', name=op.f('uq_waiver_log_index'))
        )
    op.create_index('ix_waiver_court', 'waiver', ['court'], unique=False)


def _assignment() -> None:
    op.create_table('assignment',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('court', sa.String(length=64), nullable=False),
        sa.Column('item', sa.String(length=64), nullable=False),
        sa.Column('owner', sa.String(length=200), nullable=False),
        sa.Column('due', sa.String(length=10), nullable=True),
        sa.Column('who', sa.String(length=200), nullable=False),
        sa.Column('at', sa.String(length=27), nullable=False),
        sa.Column('log_index', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_assignment_court')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_assignment')),
        sa.UniqueConstraint('log_index', name=op.f('uq_assignment_log_index'))
        )
    op.create_index('ix_assignment_court', 'assignment', ['court'], unique=False)


def _comment() -> None:
    op.create_table('comment',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('court', sa.String(length=64), nullable=False),
        sa.Column('item', sa.String(length=64), nullable=True),
        sa.Column('incident', sa.String(length=36), nullable=True),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('who', sa.String(length=200), nullable=False),
        sa.Column('at', sa.String(length=27), nullable=False),
        sa.Column('log_index', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_comment_court')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_comment')),
        sa.UniqueConstraint('log_index', name=op.f('uq_comment_log_index'))
        )
    op.create_index('ix_comment_court', 'comment', ['court'], unique=False)


def _attachment() -> None:
    op.create_table('attachment',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('court', sa.String(length=64), nullable=False),
        sa.Column('item', sa.String(length=64), nullable=True),
        sa.Column('incident', sa.String(length=36), nullable=True),
        sa.Column('name', sa.String(length=200), nullable=False),
        sa.Column('media_type', sa.String(length=100), nullable=False),
        sa.Column('size', sa.Integer(), nullable=False),
        sa.Column('digest', sa.String(length=64), nullable=False),
        sa.Column('content', sa.LargeBinary(), nullable=False),
        sa.Column('who', sa.String(length=200), nullable=False),
        sa.Column('at', sa.String(length=27), nullable=False),
        sa.Column('log_index', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_attachment_court')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_attachment')),
        sa.UniqueConstraint('log_index', name=op.f('uq_attachment_log_index'))
        )
    op.create_index('ix_attachment_court', 'attachment', ['court'], unique=False)


def _decision() -> None:
    op.create_table('decision',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('court', sa.String(length=64), nullable=False),
        sa.Column('subject', sa.String(length=16), nullable=False),
        sa.Column('kind', sa.String(length=24), nullable=False),
        sa.Column('party', sa.String(length=16), nullable=False),
        sa.Column('note', sa.Text(), nullable=False),
        sa.Column('workarounds', sa.Text(), nullable=False),
        sa.Column('seen_size', sa.Integer(), nullable=False),
        sa.Column('seen_root', sa.String(length=64), nullable=False),
        sa.Column('basis', sa.String(length=64), nullable=False),
        sa.Column('refers_to', sa.String(length=36), nullable=True),
        sa.Column('who', sa.String(length=200), nullable=False),
        sa.Column('at', sa.String(length=27), nullable=False),
        sa.Column('log_index', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_decision_court')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_decision')),
        sa.UniqueConstraint('log_index', name=op.f('uq_decision_log_index'))
        )
    op.create_index('ix_decision_court', 'decision', ['court'], unique=False)


def _baseline() -> None:
    op.create_table('baseline',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('court', sa.String(length=64), nullable=False),
        sa.Column('machine', sa.String(length=36), nullable=False),
        sa.Column('run_id', sa.String(length=36), nullable=False),
        sa.Column('decision', sa.String(length=36), nullable=True),
        sa.Column('who', sa.String(length=200), nullable=False),
        sa.Column('at', sa.String(length=27), nullable=False),
        sa.Column('log_index', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_baseline_court')),
        sa.ForeignKeyConstraint(['machine'], ['machine.id'], name=op.f('fk_baseline_machine')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_baseline')),
        sa.UniqueConstraint('log_index', name=op.f('uq_baseline_log_index'))
        )
    op.create_index('ix_baseline_court', 'baseline', ['court'], unique=False)


def _incident() -> None:
    op.create_table('incident',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('number', sa.String(length=20), nullable=False),
        sa.Column('court', sa.String(length=64), nullable=False),
        sa.Column('title', sa.String(length=200), nullable=False),
        sa.Column('began_at', sa.String(length=27), nullable=False),
        sa.Column('who', sa.String(length=200), nullable=False),
        sa.Column('at', sa.String(length=27), nullable=False),
        sa.Column('log_index', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_incident_court')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_incident')),
        sa.UniqueConstraint('log_index', name=op.f('uq_incident_log_index')),
        sa.UniqueConstraint('number', name=op.f('uq_incident_number'))
        )
    op.create_index('ix_incident_court', 'incident', ['court'], unique=False)


def _incident_event() -> None:
    op.create_table('incident_event',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('incident', sa.String(length=36), nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('priority', sa.String(length=2), nullable=True),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('run_ids', sa.Text(), nullable=False),
        sa.Column('who', sa.String(length=200), nullable=False),
        sa.Column('at', sa.String(length=27), nullable=False),
        sa.Column('log_index', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['incident'], ['incident.id'], name=op.f('fk_incident_event_incident')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_incident_event')),
        sa.UniqueConstraint('log_index', name=op.f('uq_incident_event_log_index'))
        )
    op.create_index('ix_incident_event_incident', 'incident_event', ['incident'], unique=False)


def _run_request() -> None:
    op.create_table('run_request',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('court', sa.String(length=64), nullable=False),
        sa.Column('incident', sa.String(length=36), nullable=True),
        sa.Column('machine', sa.String(length=36), nullable=False),
        sa.Column('nonce', sa.String(length=64), nullable=False),
        sa.Column('expires_at', sa.String(length=27), nullable=False),
        sa.Column('who', sa.String(length=200), nullable=False),
        sa.Column('at', sa.String(length=27), nullable=False),
        sa.Column('log_index', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_run_request_court')),
        sa.ForeignKeyConstraint(['incident'], ['incident.id'], name=op.f('fk_run_request_incident')),
        sa.ForeignKeyConstraint(['machine'], ['machine.id'], name=op.f('fk_run_request_machine')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_run_request')),
        sa.UniqueConstraint('log_index', name=op.f('uq_run_request_log_index')),
        sa.UniqueConstraint('nonce', name=op.f('uq_run_request_nonce'))
        )
    op.create_index('ix_run_request_machine', 'run_request', ['machine'], unique=False)


def _run_answer() -> None:
    op.create_table('run_answer',
        sa.Column('request', sa.String(length=36), nullable=False),
        sa.Column('run_id', sa.String(length=36), nullable=False),
        sa.Column('at', sa.String(length=27), nullable=False),
        sa.Column('log_index', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['request'], ['run_request.id'], name=op.f('fk_run_answer_request')),
        sa.ForeignKeyConstraint(['run_id'], ['report.run_id'], name=op.f('fk_run_answer_run_id')),
        sa.PrimaryKeyConstraint('request', name=op.f('pk_run_answer')),
        sa.UniqueConstraint('log_index', name=op.f('uq_run_answer_log_index'))
        )


def _notice() -> None:
    op.create_table('notice',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('key', sa.String(length=200), nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('court', sa.String(length=64), nullable=True),
        sa.Column('recipient', sa.String(length=320), nullable=False),
        sa.Column('subject', sa.String(length=300), nullable=False),
        sa.Column('body', sa.Text(), nullable=False),
        sa.Column('created_at', sa.String(length=27), nullable=False),
        sa.Column('not_before', sa.String(length=27), nullable=False),
        sa.Column('sent_at', sa.String(length=27), nullable=True),
        sa.Column('given_up_at', sa.String(length=27), nullable=True),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('last_answer', sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_notice_court')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_notice')),
        sa.UniqueConstraint('key', name=op.f('uq_notice_key'))
        )
    op.create_index('ix_notice_court', 'notice', ['court'], unique=False)


def _saved_view() -> None:
    op.create_table('saved_view',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('person_id', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=100), nullable=False),
        sa.Column('query', sa.String(length=2000), nullable=False),
        sa.Column('created_at', sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_saved_view_person_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_view'))
        )


def _draft() -> None:
    op.create_table('draft',
        sa.Column('person_id', sa.String(length=36), nullable=False),
        sa.Column('path', sa.String(length=300), nullable=False),
        sa.Column('fields', sa.Text(), nullable=False),
        sa.Column('at', sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_draft_person_id')),
        sa.PrimaryKeyConstraint('person_id', 'path', name=op.f('pk_draft'))
        )


def _standing() -> None:
    op.create_table('standing',
        sa.Column('court', sa.String(length=64), nullable=False),
        sa.Column('day', sa.String(length=10), nullable=False),
        sa.Column('verdict', sa.String(length=16), nullable=False),
        sa.Column('counts', sa.Text(), nullable=False),
        sa.Column('blocking', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_standing_court')),
        sa.PrimaryKeyConstraint('court', 'day', name=op.f('pk_standing'))
        )


def _sample() -> None:
    op.create_table('sample',
        sa.Column('court', sa.String(length=64), nullable=False),
        sa.Column('removed_at', sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_sample_court')),
        sa.PrimaryKeyConstraint('court', name=op.f('pk_sample'))
        )
