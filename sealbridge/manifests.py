"""Documents in and out: YAML or JSON, many to a file."""
