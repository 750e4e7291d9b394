"""A year of many courts, replayed through the collector's own API, and an independent recount."""
