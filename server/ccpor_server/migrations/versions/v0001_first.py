"""The first schema: tables, the empty log, and triggers that refuse UPDATE and DELETE on records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "report",
    "machine",
    "revocation",
    "profile",
    "declaration",
    "audit_event",
    "log_entry",
)
EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def upgrade() -> None:
    _tables()
    op.execute(
        "INSERT INTO log_head (id, size, root, frontier) "
        f"VALUES (1, 0, '{EMPTY_ROOT}', '[]')"
    )
    _triggers(op.get_bind().dialect.name)


def _triggers(dialect: str) -> None:
    if dialect == "postgresql":
        op.execute(
            "CREATE FUNCTION ccpor_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table in APPEND_ONLY:
        if dialect == "postgresql":
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION ccpor_refuse()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION ccpor_refuse()"
            )
            continue
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _tables() -> None:
    op.create_table('audit_event',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('what', sa.String(length=64), nullable=False),
    sa.Column('at', sa.String(length=27), nullable=False),
    sa.Column('place', sa.String(length=300), nullable=False),
    sa.Column('source', sa.String(length=100), nullable=False),
    sa.Column('outcome', sa.String(length=64), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('about', sa.String(length=300), nullable=False),
    sa.Column('log_index', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_event')),
    sa.UniqueConstraint('log_index', name=op.f('uq_audit_event_log_index'))
    )
    op.create_table('court',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('time_zone', sa.String(length=64), nullable=False),
    sa.Column('go_live', sa.String(length=10), nullable=True),
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('identifiers', sa.Text(), nullable=False),
    sa.Column('contacts', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_court'))
    )
    op.create_table('log_entry',
    sa.Column('log_index', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('at', sa.String(length=27), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('leaf_hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('log_index', name=op.f('pk_log_entry'))
    )
    op.create_table('log_head',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('root', sa.String(length=64), nullable=False),
    sa.Column('frontier', sa.Text(), nullable=False),
    sa.Column('checkpoint', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_head'))
    )
    op.create_table('profile',
    sa.Column('id', sa.String(length=200), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('envelope', sa.LargeBinary(), nullable=False),
    sa.Column('published_at', sa.String(length=27), nullable=False),
    sa.Column('published_by', sa.String(length=200), nullable=False),
    sa.Column('log_index', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', 'version', name=op.f('pk_profile')),
    sa.UniqueConstraint('log_index', name=op.f('uq_profile_log_index'))
    )
    op.create_table('declaration',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('court', sa.String(length=64), nullable=False),
    sa.Column('item', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('party', sa.String(length=16), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('done_on', sa.String(length=10), nullable=True),
    sa.Column('until', sa.String(length=10), nullable=True),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('at', sa.String(length=27), nullable=False),
    sa.Column('log_index', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_declaration_court')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_declaration')),
    sa.UniqueConstraint('log_index', name=op.f('uq_declaration_log_index'))
    )
    op.create_index('ix_declaration_court_item', 'declaration', ['court', 'item'], unique=False)
    op.create_table('location',
    sa.Column('court', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_location_court')),
    sa.PrimaryKeyConstraint('court', 'name', name=op.f('pk_location'))
    )
    op.create_table('person',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('court', sa.String(length=64), nullable=True),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.Column('must_change', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.String(length=27), nullable=False),
    sa.Column('disabled_at', sa.String(length=27), nullable=True),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('failed_since', sa.String(length=27), nullable=True),
    sa.Column('locked_until', sa.String(length=27), nullable=True),
    sa.ForeignKeyConstraint(['court'], ['court.id'], name=op.f('fk_person_court')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person')),
    sa.UniqueConstraint('name', name=op.f('uq_person_name'))
    )
    op.create_table('declared',
    sa.Column('court', sa.String(length=64), nullable=False),
    sa.Column('location', sa.String(length=64), nullable=False),
    sa.Column('role', sa.String(length=32), nullable=False),
    sa.Column('machines', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['court', 'location'], ['location.court', 'location.name'], name=op.f('fk_declared_court')),
    sa.PrimaryKeyConstraint('court', 'location', 'role', name=op.f('pk_declared'))
    )
    op.create_table('enrol_code',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('code_hash', sa.String(length=64), nullable=False),
    sa.Column('court', sa.String(length=64), nullable=False),
    sa.Column('location', sa.String(length=64), nullable=False),
    sa.Column('role', sa.String(length=32), nullable=False),
    sa.Column('uses_left', sa.Integer(), nullable=False),
    sa.Column('expires_at', sa.String(length=27), nullable=False),
    sa.Column('created_at', sa.String(length=27), nullable=False),
    sa.Column('created_by', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['court', 'location'], ['location.court', 'location.name'], name=op.f('fk_enrol_code_court')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_enrol_code')),
    sa.UniqueConstraint('code_hash', name=op.f('uq_enrol_code_code_hash'))
    )
    op.create_table('machine',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('court', sa.String(length=64), nullable=False),
    sa.Column('location', sa.String(length=64), nullable=False),
    sa.Column('role', sa.String(length=32), nullable=False),
    sa.Column('public_key', sa.Text(), nullable=False),
    sa.Column('key_id', sa.String(length=128), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('os', sa.String(length=255), nullable=False),
    sa.Column('enrolled_at', sa.String(length=27), nullable=False),
    sa.Column('code_id', sa.String(length=36), nullable=False),
    sa.Column('log_index', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['court', 'location'], ['location.court', 'location.name'], name=op.f('fk_machine_court')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_machine')),
    sa.UniqueConstraint('key_id', name=op.f('uq_machine_key_id')),
    sa.UniqueConstraint('log_index', name=op.f('uq_machine_log_index'))
    )
    op.create_table('session',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('person_id', sa.String(length=36), nullable=False),
    sa.Column('created_at', sa.String(length=27), nullable=False),
    sa.Column('last_seen_at', sa.String(length=27), nullable=False),
    sa.Column('source', sa.String(length=100), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_session_person_id')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_session'))
    )
    op.create_table('heard',
    sa.Column('machine_id', sa.String(length=36), nullable=False),
    sa.Column('last_heard_at', sa.String(length=27), nullable=False),
    sa.Column('last_run_id', sa.String(length=36), nullable=True),
    sa.ForeignKeyConstraint(['machine_id'], ['machine.id'], name=op.f('fk_heard_machine_id')),
    sa.PrimaryKeyConstraint('machine_id', name=op.f('pk_heard'))
    )
    op.create_table('report',
    sa.Column('run_id', sa.String(length=36), nullable=False),
    sa.Column('machine_id', sa.String(length=36), nullable=False),
    sa.Column('received_at', sa.String(length=27), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('envelope', sa.LargeBinary(), nullable=False),
    sa.Column('started_at', sa.String(length=40), nullable=False),
    sa.Column('verdict', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=16), nullable=False),
    sa.Column('schema', sa.String(length=64), nullable=False),
    sa.Column('log_index', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['machine_id'], ['machine.id'], name=op.f('fk_report_machine_id')),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_report')),
    sa.UniqueConstraint('log_index', name=op.f('uq_report_log_index'))
    )
    op.create_table('revocation',
    sa.Column('machine_id', sa.String(length=36), nullable=False),
    sa.Column('at', sa.String(length=27), nullable=False),
    sa.Column('who', sa.String(length=200), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('log_index', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['machine_id'], ['machine.id'], name=op.f('fk_revocation_machine_id')),
    sa.PrimaryKeyConstraint('machine_id', name=op.f('pk_revocation')),
    sa.UniqueConstraint('log_index', name=op.f('uq_revocation_log_index'))
    )
