"""ExternalSecret in, Secret out. Pure: values are fetched by whoever calls."""
