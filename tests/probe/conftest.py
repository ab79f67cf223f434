"""Makes the scripted server a fixture of this package."""

from scripted_app import make_server  # noqa: F401
