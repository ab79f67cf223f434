"""One line of a batch, put as one request: answered, watched, told in the log, and accounted for, as a route's are.

Knows no lease and no order of lines.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from dataclasses import dataclass

from vivavoce.errors import StorageFailed, TooBusy, VivaError
from vivavoce.ledger.batch_runs import BatchRuns, Claim
from vivavoce.ledger.keys import Key
from vivavoce.logs import REQUEST_ID
from vivavoce.server.batch_lines import Line, answered, body_of
from vivavoce.server.callers import CALLER, Caller
from vivavoce.server.service import Service
from vivavoce.server.wire import errors as wire_errors
from vivavoce.server.wire.batches import answered_line
from vivavoce.telemetry.telemetry import NONE, RequestFacts, fail_current

log = logging.getLogger(__name__)

RETRY_S = 2.0
"""Before a line is put again whose failure may have been one of the moment."""

OK = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """A line that was put. `again_s`: it may go better so many seconds later; None: it would not. `begun`: the engines
    had begun with it, so the failure may be its own."""

    request_id: str
    caller: Caller
    facts: RequestFacts
    route: str
    status: int
    body: bytes
    again_s: float | None
    begun: bool


async def put(line: Line, claim: Claim, key: Key | None, service: Service) -> Attempt:
    """Put a line once, in a task of its own. Its failure is its answer."""
    request_id = f"req_{secrets.token_hex(16)}"
    caller = Caller(claim.owner, key)
    REQUEST_ID.set(request_id)
    CALLER.set(caller)
    endpoint = claim.batch.order.endpoint
    route = f"/v1/batches{endpoint}"
    facts = service.telemetry.request("POST", {})
    status, again_s, begun = 0, None, True
    try:
        response = await answered(endpoint, line.body, service, claim.owner)
        status, body = response.status_code, body_of(response)
    except VivaError as error:
        fail_current(error)
        status, body = error.status, _told(error)
        if error.retryable or isinstance(error, StorageFailed):
            again_s = error.retry_after_s if isinstance(error, TooBusy) else RETRY_S
            begun = not isinstance(error, TooBusy) and (service.admission is None or facts.queue_s is not None)
        if status >= 500:
            log.error("%s: %s", type(error).__name__, error.message)
    except Exception as error:
        fail_current(error)
        log.error("unforeseen %s in a line of a batch", type(error).__name__, exc_info=error)
        status, body = VivaError.status, _told(VivaError("The server had an error while processing your request."))
    finally:
        service.telemetry.answered(facts, route, status)
        log.info("POST %s", route, extra=_figures(facts, status))
    return Attempt(request_id, caller, facts, route, status, body, again_s, begun)


async def record(attempt: Attempt, number: int, line: Line, claim: Claim, service: Service) -> None:
    """Into the ledger: what came of a line and what it used, both or neither. Raises `LeaseLostError`."""
    runs: BatchRuns = service.ledger.batch_runs
    result = answered_line(line.custom_id, attempt.status, attempt.request_id, attempt.body)
    put_by = (attempt.request_id, attempt.caller, attempt.facts, attempt.route, attempt.status)
    async with service.accounts.row_of(*put_by) as row:
        await asyncio.to_thread(runs.record, claim, number, result, answered=attempt.status == OK, usage=row)


def _told(error: VivaError) -> bytes:
    return json.dumps(wire_errors.envelope(error), ensure_ascii=False).encode()


def _figures(facts: RequestFacts, status: int) -> dict[str, object]:
    return {
        "status": status,
        "took_ms": facts.elapsed_s() * 1000,
        "tokens_in": facts.tokens_in,
        "tokens_out": facts.tokens_out,
        "code": None if facts.code == NONE else facts.code,
    }
