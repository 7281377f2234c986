"""The font of pages that we print: shipped, because a county node has none of its own."""
