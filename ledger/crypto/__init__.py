"""Keys and signatures by suite (formats.md §10): what verifies, what signs, where keys lie."""
