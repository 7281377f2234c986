"""Who may do what, contract by contract: declared here by rule, tried by test_permissions.py.

A module for each contract declares its TABLE: for each function that changes something, for whom it is and how to make
the state in which that caller succeeds. `callers` has the rules, `stage` the network that all of it is played on;
`page` writes docs/permissions.md.
"""

from __future__ import annotations

from . import (
    anchor_log,
    authorised_queries,
    catalogue,
    certificate_status,
    council,
    credit_records,
    department_keys,
    departments,
    emergency_shares,
    nodes,
    places,
    share_authorisations,
)

TABLES = (
    council.TABLE,
    departments.TABLE,
    department_keys.TABLE,
    places.AUTHORITIES,
    anchor_log.TABLE,
    certificate_status.TABLE,
    places.CALENDAR,
    catalogue.TABLE,
    share_authorisations.TABLE,
    emergency_shares.TABLE,
    authorised_queries.TABLE,
    credit_records.TABLE,
    nodes.TABLE,
)
"""In the order in which the contracts are deployed."""
