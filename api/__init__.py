"""HTTP, the verify page, and wiring (backstage for the processes), where adapters are chosen. A folder per concept."""
