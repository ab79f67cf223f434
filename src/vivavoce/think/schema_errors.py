"""What can be off with a JSON schema that an answer is to be held to. Knows no grammar and no field of a request."""

from __future__ import annotations


class SchemaError(Exception):
    """A schema that no rules can be written for. `why` completes a sentence about what is at `path`."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(why)
        self.path = path
        self.why = why

    def told(self, subject: str) -> str:
        where = f" at {self.path[:100]}" if self.path else ""
        return f"Invalid schema for {subject}{where}: {self.why}."


class UnsupportedSchema(SchemaError):
    """The schema may be right, but no grammar here can hold a value to it."""


class MalformedSchema(SchemaError):
    """The schema is wrong in itself, whatever reads it."""
