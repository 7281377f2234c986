"""Where the notary keeps things: the log's files (tiles, pending bundles), records in SQL, files by CID."""
