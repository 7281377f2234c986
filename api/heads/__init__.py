"""Heads of other operators' networks, handed in."""
