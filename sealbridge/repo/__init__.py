"""A Git working tree: what is committed and what must not be."""
