"""HTTP, the verify page, and wiring, the one place where adapters are chosen. A folder per concept."""
