"""Keys, certificates and their files as Go reads and writes them; for the functions of templates."""
