"""Copies of our proofs in other systems' formats; each module also reads back what it writes.

The receipt is the original.
"""
