"""One module a kind: given a Cluster, make it so."""
