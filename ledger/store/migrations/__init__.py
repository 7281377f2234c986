"""One history of revisions for the tables of every room."""
