"""Who writes a log: one site at a time, by a lease in the database with a token that rises with every change of hands.

A site is one kernel and one folder of logs: the scope in which the kernel's locks hold (ADR 0004), so all processes of
a machine on one data folder are one site and never wait for this lease. Another machine, or another folder, takes over
when the lease has run out; who comes back after that finds another token and changes nothing (ADR 0022).
"""

from __future__ import annotations

import hashlib
import os
import platform
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ledger.errors import UnavailableError
from ledger.ports import Clock
from notary.stores.records import LogRow, metadata

LEASE = 5_000
"""Milliseconds for which a site is the writer after its last write; as long as a sender's lane (ADR 0018)."""
BELIEVED = 60_000
"""A lease that ends further away than this was written under a wrong clock and binds nobody; the token still does."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")

leases = sa.Table(
    "log_leases",
    metadata,
    sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("holder", sa.String(32), nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),  # rises with every change of holder: the fence
    sa.Column("lease_until", sa.BigInteger, nullable=False),
)

_LEASE = sa.select(leases).where(leases.c.log == sa.bindparam("log_id"))
_HELD = sa.select(leases.c.holder, leases.c.token).where(leases.c.log == sa.bindparam("log_id"))


def site_of(folder: Path) -> str:
    """A name for (this kernel since its start, this folder), the same in every process."""
    boot = platform.node()
    with suppress(OSError):
        boot = _BOOT.read_text().strip()
    stat = os.stat(folder)
    return hashlib.sha256(f"{boot}/{stat.st_dev}/{stat.st_ino}".encode()).hexdigest()[:32]


class Leases:
    """The leases as one site has them; every statement is part of the caller's transaction."""

    def __init__(self, site: str, clock: Clock) -> None:
        self.site, self._clock = site, clock

    def hold(self, connection: sa.Connection, log: LogRow) -> int:
        """The token under which this site writes `log`, taken, or renewed when half of it is gone.

        UnavailableError `notary.other_writer` while another site has it: nothing may be written.
        """
        now = self._clock.now()
        row = connection.execute(_LEASE, {"log_id": log.id}).one_or_none()
        if row is None:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            first = {"log": log.id, "holder": self.site, "token": 1, "lease_until": now + LEASE}
            connection.execute(dialect.insert(leases).values(first).on_conflict_do_nothing(index_elements=["log"]))
            row = connection.execute(_LEASE, {"log_id": log.id}).one()
        left = row.lease_until - now
        if row.holder == self.site:
            if not LEASE // 2 < left <= LEASE:
                self._set(connection, log, row.token, row.token, now)
            return int(row.token)
        if 0 <= left <= BELIEVED:
            raise UnavailableError("notary.other_writer", retry_after=max(1.0, left / 1000), origin=log.origin)
        self._set(connection, log, row.token, row.token + 1, now)
        return int(row.token) + 1

    def fence(self, connection: sa.Connection, log: LogRow, token: int) -> None:
        """UnavailableError `notary.lease_lost` if another site has written since `token` was given."""
        if connection.execute(_HELD, {"log_id": log.id}).one_or_none() != (self.site, token):
            raise UnavailableError("notary.lease_lost", retry_after=LEASE / 1000, origin=log.origin)

    def _set(self, connection: sa.Connection, log: LogRow, token: int, new: int, now: int) -> None:
        same = sa.update(leases).where(leases.c.log == log.id, leases.c.token == token)
        values = {"holder": self.site, "token": new, "lease_until": now + LEASE}
        if connection.execute(same.values(values)).rowcount != 1:
            raise UnavailableError("notary.lease_lost", retry_after=LEASE / 1000, origin=log.origin)
