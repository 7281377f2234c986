"""What was erased isn't registered again by itself (notary/stores/erased_names.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased_names",
        sa.Column("issuer", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.LargeBinary(32), primary_key=True),
    )


def downgrade() -> None:
    op.drop_table("erased_names")
