"""`make bench`: our times beside a peer's, on the same targets, in one run."""
