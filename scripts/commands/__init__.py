"""One file per group of commands; each registers itself with the application in scripts.cli."""
