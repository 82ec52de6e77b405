"""ExternalSecret in, Secret out. Pure: values are fetched by whoever calls.

external_secret = parse(object)
references = plan(external_secret.spec)             # by store
items = assemble(external_secret.spec, results)     # what the stores answered, by store
secret = build_target(external_secret, items)
"""
