"""Makes the scripted server a fixture of this package."""

from conftest_server import make_server, server  # noqa: F401
