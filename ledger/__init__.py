"""What is true, and how to reach the chain. The bottom room: it imports none of the others.

types, errors, ports, texts      words that every room shares
certificates, statuses, departments, codes/    rules, pure
crypto/                          suites and keys
evm/                             the chain: wrappers, outbox sender, indexer
store/                           the database: engine, migrations, the ledger's own tables
"""
