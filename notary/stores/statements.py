"""The statements of every commit, built once: making and comparing one takes SQLAlchemy longer than running it."""

from __future__ import annotations

import sqlalchemy as sa

from notary.stores.record_tables import entry_groups, idempotency, issuers, logs

_bind = sa.bindparam

LOG = sa.select(logs).where(logs.c.origin == _bind("origin"))
LOG_LOCKED = LOG.with_for_update()
LOG_BY_ID = sa.select(logs).where(logs.c.id == _bind("id"))
LOGS_OF = sa.select(logs).where(logs.c.issuer == _bind("issuer")).order_by(logs.c.id)
ALL_LOGS = sa.select(logs).order_by(logs.c.id)
ISSUER_LOCKED = sa.select(issuers.c.id).where(issuers.c.id == _bind("issuer")).with_for_update()
ADVANCE = (
    sa.update(logs)
    .where(logs.c.id == _bind("log"))
    .values(next_index=_bind("new_index"), accepted_at=_bind("new_accepted_at"))
)
PUT_ENTRIES = sa.insert(entry_groups)
ANSWERED = sa.select(idempotency.c.key, idempotency.c.content, idempotency.c.positions).where(
    idempotency.c.log == _bind("log"),
    idempotency.c.department == _bind("department"),
    idempotency.c.operation == _bind("operation"),
    idempotency.c.key.in_(_bind("keys", expanding=True)),
)
