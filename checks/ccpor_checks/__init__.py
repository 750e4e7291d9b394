"""The checks: each looks at the world and returns what it saw."""
