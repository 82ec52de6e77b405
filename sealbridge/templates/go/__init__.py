"""Go's values and what its libraries, and sprig's, do with them. Knows no syntax of templates."""
