"""What pages show, as files: the same rows, typed, with the same scope."""
