"""Objects of the chain, one table a kind (ledger/store/object_tables.py).

Events, decisions and annulments now tell the versions of a contract apart. All rows follow from events, so the index
forgets what it had, and the indexer brings it again from the chain. It is long because it writes out thirty tables and
more as they were then, and is never changed: what is shared with the tables of today would change with them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEPT = (
    "chain_logs",
    "chain_anchors",
    "chain_closings",
    "chain_blocks",
    "chain_cursor",
)


def upgrade() -> None:  # noqa: PLR0915 - a statement a table
    for table in KEPT:
        op.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - our own names
    op.drop_table("chain_events")
    op.drop_table("chain_annulments")
    op.drop_table("chain_decisions")
    op.create_table(
        "chain_accreditations",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("issuer", sa.String(length=18), nullable=False),
        sa.Column("type_code", sa.String(length=21), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_from", sa.BigInteger(), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract", "number"),
    )
    op.create_index("accreditations_type", "chain_accreditations", ["type_code", "issuer"], unique=False)
    op.create_index(op.f("ix_chain_accreditations_issuer"), "chain_accreditations", ["issuer"], unique=False)
    op.create_table(
        "chain_acknowledgements",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("grant_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("gateway", sa.String(length=42), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("stop", sa.Integer(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_acknowledgements_grant_id"), "chain_acknowledgements", ["grant_id"], unique=False)
    op.create_table(
        "chain_annulments",
        sa.Column("status_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("basis", sa.LargeBinary(length=32), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("status_key", "contract", "number"),
    )
    op.create_index(op.f("ix_chain_annulments_block_number"), "chain_annulments", ["block_number"], unique=False)
    op.create_table(
        "chain_authorised_queries",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("resource", sa.LargeBinary(length=32), nullable=False),
        sa.Column("provider", sa.String(length=18), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index("authorised_queries_provider", "chain_authorised_queries", ["provider", "state"], unique=False)
    op.create_table(
        "chain_authorities",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("domain", sa.Integer(), nullable=False),
        sa.Column("division", sa.Integer(), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index("authorities_division", "chain_authorities", ["division", "domain"], unique=False)
    op.create_index(op.f("ix_chain_authorities_department"), "chain_authorities", ["department"], unique=False)
    op.create_table(
        "chain_calendar_days",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("day_number", sa.Integer(), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_calendar_days_day_number"), "chain_calendar_days", ["day_number"], unique=False)
    op.create_table(
        "chain_calendar_years",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("first", sa.LargeBinary(length=32), nullable=False),
        sa.Column("second", sa.LargeBinary(length=32), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_calendar_years_year"), "chain_calendar_years", ["year"], unique=False)
    op.create_table(
        "chain_council_members",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_table(
        "chain_councils",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("pause_threshold", sa.Integer(), nullable=False),
        sa.Column("delay", sa.BigInteger(), nullable=False),
        sa.Column("expiry", sa.BigInteger(), nullable=False),
        sa.Column("paused_since", sa.BigInteger(), nullable=True),
        sa.Column("paused_until", sa.BigInteger(), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_table(
        "chain_credit_classes",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("polarity", sa.Integer(), nullable=True),
        sa.Column("measure", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("basis", sa.LargeBinary(length=32), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_credit_classes_number"), "chain_credit_classes", ["number"], unique=False)
    op.create_table(
        "chain_credit_contributors",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("keeper", sa.String(length=18), nullable=False),
        sa.Column("field", sa.Integer(), nullable=False),
        sa.Column("contributor", sa.String(length=18), nullable=False),
        sa.Column("item_class", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index("credit_contributors_keeper", "chain_credit_contributors", ["keeper", "field"], unique=False)
    op.create_index(
        op.f("ix_chain_credit_contributors_contributor"), "chain_credit_contributors", ["contributor"], unique=False
    )
    op.create_table(
        "chain_credit_items",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("owner", sa.String(length=18), nullable=False),
        sa.Column("keeper", sa.String(length=18), nullable=False),
        sa.Column("field", sa.Integer(), nullable=False),
        sa.Column("item_class", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("publish_until", sa.BigInteger(), nullable=True),
        sa.Column("stop_at", sa.BigInteger(), nullable=True),
        sa.Column("answer_by", sa.BigInteger(), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index("credit_items_open", "chain_credit_items", ["answer_by"], unique=False)
    op.create_index("credit_items_owner", "chain_credit_items", ["owner", "state"], unique=False)
    op.create_table(
        "chain_credit_profiles",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("mark_days", sa.Integer(), nullable=False),
        sa.Column("answer_days", sa.Integer(), nullable=False),
        sa.Column("answer_other_days", sa.Integer(), nullable=False),
        sa.Column("minor_max_months", sa.Integer(), nullable=False),
        sa.Column("general_min_months", sa.Integer(), nullable=False),
        sa.Column("general_max_months", sa.Integer(), nullable=False),
        sa.Column("serious_min_months", sa.Integer(), nullable=False),
        sa.Column("serious_max_months", sa.Integer(), nullable=False),
        sa.Column("stop_months", sa.Integer(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_table(
        "chain_credit_rules",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_table(
        "chain_decisions",
        sa.Column("status_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Integer(), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("effective_from", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.LargeBinary(length=32), nullable=True),
        sa.Column("successor", sa.LargeBinary(length=32), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("ends", sa.Integer(), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("status_key", "contract", "number"),
    )
    op.create_index(op.f("ix_chain_decisions_block_number"), "chain_decisions", ["block_number"], unique=False)
    op.create_table(
        "chain_delegates",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("member", sa.String(length=18), nullable=False),
        sa.Column("person", sa.LargeBinary(length=32), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_delegates_account"), "chain_delegates", ["account"], unique=False)
    op.create_index(op.f("ix_chain_delegates_member"), "chain_delegates", ["member"], unique=False)
    op.create_table(
        "chain_demands",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("consumer", sa.String(length=18), nullable=False),
        sa.Column("provider", sa.String(length=18), nullable=True),
        sa.Column("code", sa.LargeBinary(length=32), nullable=True),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index("demands_consumer", "chain_demands", ["consumer"], unique=False)
    op.create_index("demands_open", "chain_demands", ["closed", "provider"], unique=False)
    op.create_table(
        "chain_department_keys",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("suite", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("compromised_since", sa.BigInteger(), nullable=True),
        sa.Column("claimed_since", sa.BigInteger(), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_department_keys_department"), "chain_department_keys", ["department"], unique=False)
    op.create_table(
        "chain_departments",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("division", sa.Integer(), nullable=False),
        sa.Column("admitted_at", sa.BigInteger(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("succeeded_at", sa.BigInteger(), nullable=True),
        sa.Column("successor", sa.String(length=18), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_departments_code"), "chain_departments", ["code"], unique=False)
    op.create_index(op.f("ix_chain_departments_division"), "chain_departments", ["division"], unique=False)
    op.create_table(
        "chain_emergency_shares",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("resource", sa.LargeBinary(length=32), nullable=False),
        sa.Column("consumer", sa.String(length=18), nullable=False),
        sa.Column("provider", sa.String(length=18), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("closes_at", sa.BigInteger(), nullable=True),
        sa.Column("review_by", sa.BigInteger(), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index("emergency_shares_consumer", "chain_emergency_shares", ["consumer", "state"], unique=False)
    op.create_index("emergency_shares_provider", "chain_emergency_shares", ["provider", "state"], unique=False)
    op.create_table(
        "chain_events",
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("contract", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("object_key", sa.LargeBinary(length=72), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("block_hash", "log_index"),
    )
    op.create_index(
        "events_object", "chain_events", ["contract", "object_key", "block_number", "log_index"], unique=False
    )
    op.create_index(op.f("ix_chain_events_block_number"), "chain_events", ["block_number"], unique=False)
    op.create_table(
        "chain_followed_logs",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("log", sa.String(length=42), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_table(
        "chain_gateways",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("division", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_gateways_department"), "chain_gateways", ["department"], unique=False)
    op.create_table(
        "chain_grants",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("resource", sa.LargeBinary(length=32), nullable=False),
        sa.Column("consumer", sa.String(length=18), nullable=False),
        sa.Column("provider", sa.String(length=18), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("sharing_class", sa.Integer(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=True),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("supersedes", sa.LargeBinary(length=32), nullable=True),
        sa.Column("stops", sa.Integer(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index("grants_consumer", "chain_grants", ["consumer", "state"], unique=False)
    op.create_index("grants_deadline", "chain_grants", ["deadline"], unique=False)
    op.create_index("grants_provider", "chain_grants", ["provider", "state"], unique=False)
    op.create_index("grants_resource", "chain_grants", ["resource"], unique=False)
    op.create_table(
        "chain_named_contracts",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("from_block", sa.BigInteger(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_named_contracts_name"), "chain_named_contracts", ["name"], unique=False)
    op.create_table(
        "chain_nodes",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("host", sa.String(length=18), nullable=False),
        sa.Column("division", sa.Integer(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("node_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_nodes_department"), "chain_nodes", ["department"], unique=False)
    op.create_index(op.f("ix_chain_nodes_host"), "chain_nodes", ["host"], unique=False)
    op.create_index(op.f("ix_chain_nodes_node_key"), "chain_nodes", ["node_key"], unique=False)
    op.create_table(
        "chain_operators",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("person", sa.LargeBinary(length=32), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_operators_department"), "chain_operators", ["department"], unique=False)
    op.create_index("operators_account", "chain_operators", ["account"], unique=False)
    op.create_table(
        "chain_owners",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("owner", sa.String(length=42), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_table(
        "chain_parts",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("what", sa.LargeBinary(length=32), nullable=False),
        sa.Column("successor", sa.String(length=18), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_parts_department"), "chain_parts", ["department"], unique=False)
    op.create_table(
        "chain_pause_requests",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("member", sa.String(length=18), nullable=False),
        sa.Column("delegate", sa.String(length=42), nullable=False),
        sa.Column("reason", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_table(
        "chain_proposals",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("member", sa.String(length=18), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("approvals", sa.Integer(), nullable=False),
        sa.Column("executed_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index("proposals_open", "chain_proposals", ["executed_at", "expires_at"], unique=False)
    op.create_table(
        "chain_resource_clocks",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("clock", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract", "clock"),
    )
    op.create_index("resource_clocks_deadline", "chain_resource_clocks", ["deadline"], unique=False)
    op.create_table(
        "chain_resources",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("provider", sa.String(length=18), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("owed", sa.Boolean(), nullable=False),
        sa.Column("sharing_class", sa.Integer(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("item_count", sa.Integer(), nullable=True),
        sa.Column("draft_stage", sa.Integer(), nullable=True),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index("resources_owed", "chain_resources", ["owed", "state"], unique=False)
    op.create_index("resources_provider", "chain_resources", ["provider", "state"], unique=False)
    op.create_table(
        "chain_retired_logs",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("successor", sa.String(length=42), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_table(
        "chain_share_profiles",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("pre_review", sa.Boolean(), nullable=False),
        sa.Column("return_clock", sa.Integer(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_table(
        "chain_trust_files",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("pinned_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_trust_files_sequence"), "chain_trust_files", ["sequence"], unique=False)
    op.create_table(
        "chain_type_proofs",
        sa.Column("status_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("type_code", sa.String(length=21), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.PrimaryKeyConstraint("status_key", "contract"),
    )
    op.create_index(op.f("ix_chain_type_proofs_block_number"), "chain_type_proofs", ["block_number"], unique=False)
    op.create_table(
        "chain_types",
        sa.Column("id", sa.LargeBinary(length=72), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("code", sa.String(length=21), nullable=False),
        sa.Column("competent", sa.String(length=18), nullable=False),
        sa.Column("changed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "contract"),
    )
    op.create_index(op.f("ix_chain_types_code"), "chain_types", ["code"], unique=False)
    op.create_index(op.f("ix_chain_types_competent"), "chain_types", ["competent"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("restore a backup of before; the index is made again from the chain")
