from tests.checks.ssh.places import password_file, server

__all__ = ["password_file", "server"]
