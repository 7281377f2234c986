"""Public code systems: GB 32100, certificate identifiers, GB 11643, GB/T 2260, holder types. Pure, with their data."""
