"""How the chain is reached: engines as data, one wrapper per contract, outbox sender, indexer. The only room for web3."""
