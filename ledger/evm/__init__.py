"""How the chain is reached: engines as data, a wrapper per contract, outbox sender, indexer. The only room for web3."""
