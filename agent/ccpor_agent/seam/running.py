"""What a lock says when somebody else holds it."""

from __future__ import annotations


class AlreadyRunning(Exception):
    """Another process of ours holds the lock; the kernel frees it when that process ends."""
