"""The command line and what it starts. Thin: a command parses, calls a room below, prints."""
