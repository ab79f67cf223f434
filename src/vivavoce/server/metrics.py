"""`GET /metrics`: what this server has done, of all workers, as Prometheus reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from vivavoce.errors import NotFound, VivaError
from vivavoce.server.service import Service
from vivavoce.telemetry.meter import Sample

ROUTER = APIRouter()

ENGINE_PATIENCE_S = 1.0
"""How long a scrape waits for the engine process to say how it fares."""


@ROUTER.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    service: Service = request.app.state.service
    if not service.shows_metrics:
        raise NotFound("Metrics are turned off here (VIVA_METRICS).")
    engines = await _of_engines(service)
    text = await asyncio.to_thread(service.telemetry.meter.text, engines)
    return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)


QUEUES = {"interactive": "waiting", "background": "background_waiting"}
REFUSALS = {
    "full": "refused_full_total",
    "wait": "refused_wait_total",
    "displaced": "refused_displaced_total",
    "quota": "refused_quota_total",
    "expired": "expired_total",
}
"""Values of a label -> their name in what the queue tells of itself (`engines.admission`)."""


async def _of_engines(service: Service) -> list[Sample]:
    """What the engine process says of itself now; only that it is down where it is."""
    if not service.ready()[0]:
        return [("viva_engine_up", (), 0.0)]
    if service.engine_status is None:
        return [("viva_engine_up", (), 1.0)]
    try:
        async with asyncio.timeout(ENGINE_PATIENCE_S):
            status = await service.engine_status()
    except (VivaError, TimeoutError):
        return [("viva_engine_up", (), 0.0)]
    queue: Mapping[str, float] = status.get("admission", {})
    told: list[Sample] = [("viva_engine_up", (), 1.0), ("viva_engine_calls", (), status["calls"])]
    if status["slots_busy"] is not None:
        told.append(("viva_engine_slots_busy", (), status["slots_busy"]))
    told += [("viva_queue_depth", (kind,), queue[name]) for kind, name in QUEUES.items() if name in queue]
    if queue:
        told += [("viva_queue_refused_total", (why,), queue.get(name, 0)) for why, name in REFUSALS.items()]
    return told
