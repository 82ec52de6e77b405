"""The tests, and the servers they share with `make cluster` and the benchmarks."""
