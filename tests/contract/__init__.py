"""What every implementation of the Cluster port has to do, as one suite of tests."""
