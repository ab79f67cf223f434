"""The one error tree. Each class carries its HTTP status, OpenAI error type and code.

Knows no wire format: `server.wire.errors` turns a `VivaError` into the OpenAI envelope, and the command line turns
it into one sentence. Foreign exceptions are mapped to these classes once, at the boundary where they arise.

    VivaError
    ├── InvalidRequest 400            the caller can mend it
    │   ├── MissingParameter, InvalidValue, UnknownParameter
    │   ├── UnsupportedFormat         bytes that are not audio we can decode
    │   ├── AudioTooLong, ContextLengthExceeded, AudioNotFound
    ├── AuthenticationFailed 401 ── KeyMissing
    ├── PermissionDenied 403
    ├── NotFound 404 ── ModelNotFound
    ├── PayloadTooLarge 413
    ├── TooBusy 429 ── TooManyRequests, TooManyTokens
    ├── RequestTooLarge 429, QuotaExceeded 429          waiting for a moment does not help
    └── ServerFault 500               ours to mend
        ├── EngineFailed 500, EngineLost 503, EngineTimeout 504, UpstreamFailed 502
        ├── ModelNotInstalled 503, MissingDependency 500
        └── StorageFailed 500         the data folder cannot be read or written
"""

from __future__ import annotations

from typing import ClassVar

from vivavoce.tickets import Room


class VivaError(Exception):
    """Base of every error that we raise on purpose.

    `message` is one or two sentences that say what to do next. `param` is the path of the offending field
    (`messages[0].content[1].input_audio.data`), or None where there is none.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    default_code: ClassVar[str | None] = None
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code if code is not None else self.default_code


class InvalidRequest(VivaError):
    status = 400
    type = "invalid_request_error"


class MissingParameter(InvalidRequest):
    default_code = "missing_required_parameter"


class InvalidValue(InvalidRequest):
    default_code = "invalid_value"


class UnknownParameter(InvalidRequest):
    default_code = "unknown_parameter"


class UnsupportedFormat(InvalidRequest):
    """The bytes are no audio that we can decode, or decode to nothing."""

    default_code = "unsupported_format"


class AudioTooLong(InvalidRequest):
    default_code = "audio_too_long"


class ContextLengthExceeded(InvalidRequest):
    default_code = "context_length_exceeded"


class AudioNotFound(InvalidRequest):
    default_code = "audio_not_found"


class AuthenticationFailed(VivaError):
    status = 401
    type = "invalid_request_error"
    default_code = "invalid_api_key"


class KeyMissing(AuthenticationFailed):
    """No key was sent where one is asked for; the original has no code for it."""

    default_code = None


class PermissionDenied(VivaError):
    """The key is good, but not for this."""

    status = 403
    type = "invalid_request_error"
    default_code = "insufficient_permissions"


class NotFound(VivaError):
    status = 404
    type = "invalid_request_error"
    default_code = "not_found"


class ModelNotFound(NotFound):
    default_code = "model_not_found"


class PayloadTooLarge(VivaError):
    status = 413
    type = "invalid_request_error"
    default_code = "payload_too_large"


class TooBusy(VivaError):
    """Admission refused: there is no room, or the wait would be too long. `retry_after_s` is an estimate; `room`: what
    there is of it, where that is the reason."""

    status = 429
    type = "requests"
    default_code = "rate_limit_exceeded"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float = 1.0, room: Room | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.room = room


class TooManyRequests(TooBusy):
    """The key has started as many requests as it may in a minute."""


class TooManyTokens(TooBusy):
    """The key has used as many tokens as it may in a minute."""

    type = "tokens"


class RequestTooLarge(VivaError):
    """One request takes more tokens than its key may use in a minute."""

    status = 429
    type = "tokens"
    default_code = "rate_limit_exceeded"


class QuotaExceeded(VivaError):
    """The key has used up what it may use in a month. `retry_after_s`: until the next one begins."""

    status = 429
    type = "insufficient_quota"
    default_code = "insufficient_quota"

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ServerFault(VivaError):
    """Something on our side. Subclasses say whether trying again can help (`retryable`)."""


class EngineFailed(ServerFault):
    """An engine raised on input that it should have taken; trying again would fail the same way."""

    default_code = "engine_failed"


class EngineLost(ServerFault):
    """The engine process died or was restarted under this request; trying again can help."""

    status = 503
    default_code = "engine_lost"
    retryable = True


class EngineTimeout(ServerFault):
    """A stage made no progress within its deadline, so the turn was ended; trying again can help."""

    status = 504
    default_code = "engine_timeout"
    retryable = True


class UpstreamFailed(ServerFault):
    """A remote engine (an OpenAI-compatible server used as thinker) failed or could not be reached."""

    status = 502
    default_code = "upstream_failed"
    retryable = True


class ModelNotInstalled(ServerFault):
    """Weights are missing, and fetching them is not possible or not allowed; the message names the cure."""

    status = 503
    default_code = "model_not_installed"


class MissingDependency(ServerFault):
    """An optional package or program is missing; the message names the cure."""

    default_code = "missing_dependency"


class StorageFailed(ServerFault):
    """The data folder is full, read-only or broken; the message says which."""

    default_code = "storage_failed"


def all_errors() -> dict[str, type[VivaError]]:
    """Every class of the tree by name, for carrying an error over a process boundary."""
    found: dict[str, type[VivaError]] = {}
    pending: list[type[VivaError]] = [VivaError]
    while pending:
        cls = pending.pop()
        found[cls.__name__] = cls
        pending.extend(cls.__subclasses__())
    return found
