"""Change capture sees rows that are replaced or put back whole, and deletions of what was being made."""

import sqlalchemy as sa
from alembic import op

from shopify_sync.store.migrations.versions.v0001_first_tables import PRODUCTS
from shopify_sync.store.triggers import removed, statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    for statement in (*removed(PRODUCTS, dialect), *statements(PRODUCTS, dialect)):
        op.execute(sa.text(statement.replace(":=", "\\:=")))
