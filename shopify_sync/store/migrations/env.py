"""Alembic's environment: it runs on the connection that `migrate.py` hands over, inside its transaction."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    transactional_ddl=False,  # migrate.py holds the transaction
    render_as_batch=True,
)
context.run_migrations()
