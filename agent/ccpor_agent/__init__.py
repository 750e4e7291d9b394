"""The agent: command line, profile, plan, engine, spool, key, upload."""
