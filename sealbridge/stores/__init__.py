"""One module a secret store, behind the small protocol of base.py."""
