"""Who may do what, contract by contract: declared here by rule, tried by test_permissions.py, shown in docs/permissions.md.

A module for each contract declares its TABLE: for each function that changes something, for whom it is and how to make
the state in which that caller succeeds. `callers` has the rules, `stage` the network that all of it is played on.
"""

from __future__ import annotations

from . import anchor_log, nodes

TABLES = (anchor_log.TABLE, nodes.TABLE)
"""In the order in which the contracts are deployed."""
