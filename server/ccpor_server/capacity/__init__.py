"""Measuring a court's line from this side: turns, what is sent and counted, the reflector.

All of it is in the memory of one process (docs/decisions/0016). `Measuring` is the whole.
"""
