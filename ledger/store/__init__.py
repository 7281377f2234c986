"""The database: one engine, one migration history, and the SQL of the ledger's own tables (outbox, index)."""
