"""The tables by which objects of the chain are found (ledger/store/index/objects.py): one for each kind of object.

`id` is the first indexed value of the object's events; where one value has several objects (a department its operators)
what tells them apart stands behind it. Times are block times in seconds, codes and states as the contracts number them.
Over 300 lines: it is a list, a table a kind.
"""

from __future__ import annotations

import sqlalchemy as sa

from ledger.store.tables import MOST_KEY, metadata


def _object(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    """A table by which objects are found (ledger/store/index/objects.py); the newest state, final or not."""
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.LargeBinary(MOST_KEY), primary_key=True),
        sa.Column("contract", sa.String(42), primary_key=True),  # the version's address
        *columns,
        sa.Column("changed_block", sa.BigInteger, nullable=False),
    )


departments = _object(
    "chain_departments",
    sa.Column("code", sa.String(18), nullable=False, index=True),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("division", sa.Integer, nullable=False, index=True),
    sa.Column("admitted_at", sa.BigInteger, nullable=False),
    sa.Column("suspended", sa.Boolean, nullable=False),
    sa.Column("succeeded_at", sa.BigInteger),
    sa.Column("successor", sa.String(18)),
)

owners = _object(  # of Departments: the Council; id: the one before; the newest is in force
    "chain_owners",
    sa.Column("owner", sa.String(42), nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)

parts = _object(  # of a succession; id: the old department, what
    "chain_parts",
    sa.Column("department", sa.String(18), nullable=False, index=True),
    sa.Column("what", sa.LargeBinary(32), nullable=False),
    sa.Column("successor", sa.String(18), nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)

operators = _object(  # id: department, account; an account that was ended may act for another one later
    "chain_operators",
    sa.Column("account", sa.String(42), nullable=False),
    sa.Column("department", sa.String(18), nullable=False, index=True),
    sa.Column("roles", sa.Integer, nullable=False),
    sa.Column("until", sa.BigInteger),
    sa.Column("person", sa.LargeBinary(32)),
    sa.Index("operators_account", "account"),
)

types = _object(
    "chain_types",
    sa.Column("code", sa.String(21), nullable=False, index=True),
    sa.Column("competent", sa.String(18), nullable=False, index=True),
)

accreditations = _object(  # id: issuer, type
    "chain_accreditations",
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("issuer", sa.String(18), nullable=False, index=True),
    sa.Column("type_code", sa.String(21), nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger),
    sa.Column("withdrawn_from", sa.BigInteger),
    sa.Index("accreditations_type", "type_code", "issuer"),
)

department_keys = _object(
    "chain_department_keys",
    sa.Column("department", sa.String(18), nullable=False, index=True),
    sa.Column("suite", sa.Integer, nullable=False),
    sa.Column("purpose", sa.Integer, nullable=False),
    sa.Column("confirmed_at", sa.BigInteger),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger),  # by its own end or its certificate's
    sa.Column("compromised_since", sa.BigInteger),
    sa.Column("claimed_since", sa.BigInteger),
)

gateways = _object(
    "chain_gateways",
    sa.Column("department", sa.String(18), nullable=False, index=True),
    sa.Column("key_id", sa.LargeBinary(32), nullable=False),
    sa.Column("division", sa.Integer, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger),
)

proposals = _object(
    "chain_proposals",
    sa.Column("member", sa.String(18), nullable=False),
    sa.Column("proposed_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("approvals", sa.Integer, nullable=False),
    sa.Column("executed_at", sa.BigInteger),
    sa.Index("proposals_open", "executed_at", "expires_at"),
)

council_members = _object(
    "chain_council_members",
    sa.Column("code", sa.String(18), nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)

delegates = _object(  # those who act; id: member, account
    "chain_delegates",
    sa.Column("account", sa.String(42), nullable=False, index=True),
    sa.Column("member", sa.String(18), nullable=False, index=True),
    sa.Column("person", sa.LargeBinary(32)),
)

councils = _object(  # id: zeros; the rules, and the last pause
    "chain_councils",
    sa.Column("threshold", sa.Integer, nullable=False),
    sa.Column("pause_threshold", sa.Integer, nullable=False),
    sa.Column("delay", sa.BigInteger, nullable=False),
    sa.Column("expiry", sa.BigInteger, nullable=False),
    sa.Column("paused_since", sa.BigInteger),
    sa.Column("paused_until", sa.BigInteger),
)

pause_requests = _object(  # the last of each member
    "chain_pause_requests",
    sa.Column("member", sa.String(18), nullable=False),
    sa.Column("delegate", sa.String(42), nullable=False),
    sa.Column("reason", sa.Integer, nullable=False),
    sa.Column("requested_at", sa.BigInteger, nullable=False),
)

named_contracts = _object(  # id: the name as the contract has it, version
    "chain_named_contracts",
    sa.Column("name", sa.String(32), nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("account", sa.String(42), nullable=False),
    sa.Column("code_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("from_block", sa.BigInteger, nullable=False),
)

trust_files = _object(
    "chain_trust_files",
    sa.Column("sequence", sa.BigInteger, nullable=False, index=True),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.Column("pinned_at", sa.BigInteger, nullable=False),
)

authorities = _object(  # id: domain, division
    "chain_authorities",
    sa.Column("domain", sa.Integer, nullable=False),
    sa.Column("division", sa.Integer, nullable=False),
    sa.Column("department", sa.String(18), nullable=False, index=True),
    sa.Index("authorities_division", "division", "domain"),
)

calendar_years = _object(
    "chain_calendar_years",
    sa.Column("year", sa.Integer, nullable=False, index=True),
    sa.Column("first", sa.LargeBinary(32), nullable=False),
    sa.Column("second", sa.LargeBinary(32), nullable=False),
)

calendar_days = _object(
    "chain_calendar_days",
    sa.Column("day_number", sa.Integer, nullable=False, index=True),
    sa.Column("working", sa.Boolean, nullable=False),
)

resources = _object(
    "chain_resources",
    sa.Column("provider", sa.String(18), nullable=False),
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("owed", sa.Boolean, nullable=False),
    sa.Column("sharing_class", sa.Integer),
    sa.Column("level", sa.Integer),
    sa.Column("item_count", sa.Integer),
    sa.Column("draft_stage", sa.Integer),
    sa.Index("resources_provider", "provider", "state"),
    sa.Index("resources_owed", "owed", "state"),
)

resource_clocks = _object(  # those that run; id: the resource
    "chain_resource_clocks",
    sa.Column("clock", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("start", sa.BigInteger, nullable=False),
    sa.Column("deadline", sa.BigInteger, nullable=False),
    sa.Index("resource_clocks_deadline", "deadline"),
)

demands = _object(
    "chain_demands",
    sa.Column("consumer", sa.String(18), nullable=False),
    sa.Column("provider", sa.String(18)),
    sa.Column("code", sa.LargeBinary(32)),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Index("demands_open", "closed", "provider"),
    sa.Index("demands_consumer", "consumer"),
)

grants = _object(
    "chain_grants",
    sa.Column("resource", sa.LargeBinary(32), nullable=False),
    sa.Column("consumer", sa.String(18), nullable=False),
    sa.Column("provider", sa.String(18), nullable=False),
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("sharing_class", sa.Integer, nullable=False),
    sa.Column("deadline", sa.BigInteger),  # of the clock that runs
    sa.Column("not_after", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("supersedes", sa.LargeBinary(32)),
    sa.Column("stops", sa.Integer, nullable=False),
    sa.Index("grants_consumer", "consumer", "state"),
    sa.Index("grants_provider", "provider", "state"),
    sa.Index("grants_resource", "resource"),
    sa.Index("grants_deadline", "deadline"),
)

acknowledgements = _object(  # the last of each gateway; id: grant, gateway
    "chain_acknowledgements",
    sa.Column("grant_id", sa.LargeBinary(32), nullable=False, index=True),
    sa.Column("gateway", sa.String(42), nullable=False),
    sa.Column("department", sa.String(18), nullable=False),
    sa.Column("stop", sa.Integer, nullable=False),
    sa.Column("applied_at", sa.BigInteger, nullable=False),
)

share_profiles = _object(
    "chain_share_profiles",
    sa.Column("authority", sa.String(18), nullable=False),
    sa.Column("pre_review", sa.Boolean, nullable=False),
    sa.Column("return_clock", sa.Integer, nullable=False),
)

emergency_shares = _object(
    "chain_emergency_shares",
    sa.Column("resource", sa.LargeBinary(32), nullable=False),
    sa.Column("consumer", sa.String(18), nullable=False),
    sa.Column("provider", sa.String(18), nullable=False),
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("closes_at", sa.BigInteger),
    sa.Column("review_by", sa.BigInteger),
    sa.Index("emergency_shares_consumer", "consumer", "state"),
    sa.Index("emergency_shares_provider", "provider", "state"),
)

authorised_queries = _object(
    "chain_authorised_queries",
    sa.Column("resource", sa.LargeBinary(32), nullable=False),
    sa.Column("provider", sa.String(18), nullable=False),
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("not_after", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Index("authorised_queries_provider", "provider", "state"),
)

nodes = _object(
    "chain_nodes",
    sa.Column("department", sa.String(18), nullable=False, index=True),
    sa.Column("host", sa.String(18), nullable=False, index=True),
    sa.Column("division", sa.Integer, nullable=False),
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("node_key", sa.LargeBinary(32), nullable=False, index=True),
)

credit_items = _object(
    "chain_credit_items",
    sa.Column("owner", sa.String(18), nullable=False),
    sa.Column("keeper", sa.String(18), nullable=False),
    sa.Column("field", sa.Integer, nullable=False),
    sa.Column("item_class", sa.Integer, nullable=False),
    sa.Column("severity", sa.Integer, nullable=False),
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("publish_until", sa.BigInteger),
    sa.Column("stop_at", sa.BigInteger),
    sa.Column("answer_by", sa.BigInteger),  # while an objection is open
    sa.Index("credit_items_owner", "owner", "state"),
    sa.Index("credit_items_open", "answer_by"),
)

credit_contributors = _object(  # id: file class, contributor, item class
    "chain_credit_contributors",
    sa.Column("keeper", sa.String(18), nullable=False),
    sa.Column("field", sa.Integer, nullable=False),
    sa.Column("contributor", sa.String(18), nullable=False, index=True),
    sa.Column("item_class", sa.Integer, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger),
    sa.Index("credit_contributors_keeper", "keeper", "field"),
)

credit_classes = _object(
    "chain_credit_classes",
    sa.Column("number", sa.Integer, nullable=False, index=True),
    sa.Column("polarity", sa.Integer),  # none: only sealed
    sa.Column("measure", sa.Integer, nullable=False),
    sa.Column("sealed", sa.Boolean, nullable=False),
    sa.Column("basis", sa.LargeBinary(32)),
)

credit_rules = _object(
    "chain_credit_rules",
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
)

credit_profiles = _object(  # id: zeros; once the Council set one
    "chain_credit_profiles",
    sa.Column("mark_days", sa.Integer, nullable=False),
    sa.Column("answer_days", sa.Integer, nullable=False),
    sa.Column("answer_other_days", sa.Integer, nullable=False),
    sa.Column("minor_max_months", sa.Integer, nullable=False),
    sa.Column("general_min_months", sa.Integer, nullable=False),
    sa.Column("general_max_months", sa.Integer, nullable=False),
    sa.Column("serious_min_months", sa.Integer, nullable=False),
    sa.Column("serious_max_months", sa.Integer, nullable=False),
    sa.Column("stop_months", sa.Integer, nullable=False),
)

retired_logs = _object(  # an AnchorLog, by its address; id: the successor
    "chain_retired_logs",
    sa.Column("successor", sa.String(42), nullable=False),
    sa.Column("retired_at", sa.BigInteger, nullable=False),
)

followed_logs = _object(  # by CertificateStatus; id: the AnchorLog; the newest is in force
    "chain_followed_logs",
    sa.Column("log", sa.String(42), nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)
