"""Evidence `qbft`: that a block was sealed by a quorum, and that an event stands in it (formats.md §6). Pure."""
