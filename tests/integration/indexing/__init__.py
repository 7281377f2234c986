"""The index against a whole chain: what else happens there, and how its records are compared with the contracts'."""
