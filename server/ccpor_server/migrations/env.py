"""Alembic's door: runs the migrations on the connection it is given, in one transaction."""

from __future__ import annotations

from alembic import context

from ccpor_server.store.columns import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
