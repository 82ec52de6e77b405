"""Real servers, started on loopback for tests, benchmarks and `make cluster`. Not part of the wheel."""
