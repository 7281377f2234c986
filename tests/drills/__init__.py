"""Drills: too long for every run, and called by name. Their figures stand in docs/."""
