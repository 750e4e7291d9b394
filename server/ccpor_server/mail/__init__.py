"""E-mail notices: planned into the outbox, then sent; each once by its key."""
