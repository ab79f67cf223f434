"""One HTTP worker of `viva serve`: the application over the engine process, on uvicorn.

Started by `server.serve` as `python -m vivavoce.server.worker FD`, with the listening socket as FD; the settings and
then the reports of the engine process come on standard input. Holds no weights and nothing that another worker would
miss; reads no environment but the folder in which workers count together (`telemetry.shared`).
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import uvicorn

from vivavoce import __version__, memory, tasks
from vivavoce.children import Report, follow_parent, tell_parent
from vivavoce.engines.client import EngineClient
from vivavoce.engines.registry import tone_engine
from vivavoce.engines.spec import STAGES
from vivavoce.errors import ServerFault, VivaError
from vivavoce.ledger.ledger import Ledger
from vivavoce.listen.cached import HeardOnce
from vivavoce.logs import configure_logging
from vivavoce.prices.book import load_book
from vivavoce.server.app import create_app
from vivavoce.server.hosts import answered_names
from vivavoce.server.housekeeping import housekeeping
from vivavoce.server.service import Limits, Service
from vivavoce.settings import Settings, WorkerSettings
from vivavoce.speak import language
from vivavoce.telemetry.shared import remove_shared_folder
from vivavoce.telemetry.telemetry import Telemetry
from vivavoce.telemetry.tracing import Tracing
from vivavoce.web.pages import make_site
from vivavoce.web.sources import Sources


@asynccontextmanager
async def running_service(settings: Settings, client: EngineClient) -> AsyncGenerator[Service, None]:
    """Everything that the routes need, for as long as the worker runs."""
    spec = settings.engine_spec()
    ledger = await asyncio.to_thread(partial(Ledger, settings.data_dir, usage_days=settings.usage_days))
    tone = tone_engine(spec)
    heard_once = HeardOnce(ledger.hearings, spec.listen, settings.reply_ttl_s) if settings.remember_heard else None
    tracing = Tracing.to(settings.otel_endpoint) if settings.otel_endpoint else None
    telemetry = Telemetry(tracing=tracing)
    book = await asyncio.to_thread(load_book, settings.prices_dir)
    async with housekeeping(ledger, settings.reply_ttl_s):
        await asyncio.to_thread(language.load)  # beside the engines, which take longer
        yield Service(
            engines=client.engines,
            ledger=ledger,
            admission=partial(client.admission, patience_s=settings.queue_wait_s + settings.stage_timeout_s),
            heard_once=heard_once,
            limits=Limits(
                settings.max_body_bytes,
                settings.max_audio_s,
                settings.reply_ttl_s,
                settings.max_choices,
                settings.stage_timeout_s,
                settings.max_speech_characters,
                settings.max_file_bytes,
                settings.max_files_bytes,
                settings.file_ttl_s,
                settings.lines_at_once(),
                settings.stored_days * 86_400,
            ),
            strict=settings.strict,
            engine_names={stage: spec.engine(stage) for stage in STAGES} | ({"tone": tone} if tone else {}),
            fingerprint=fingerprint(__version__, spec.listen, spec.think, spec.speak, tone or "off", spec.speakers),
            speaking_note=settings.speaking_note or None,
            hearing_note=settings.hearing_note,
            ask_back=settings.ask_back,
            ready=client.ready,
            engine_status=client.status,
            telemetry=telemetry,
            shows_metrics=settings.metrics,
            book=book,
            cost_per_hour=settings.cost_per_hour,
        )
    await client.close()
    await asyncio.to_thread(ledger.close)
    await asyncio.to_thread(telemetry.close)


def fingerprint(*parts: str) -> str:
    """`fp_` and ten hex digits that change with any of `parts` (engine names and versions)."""
    return "fp_" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]


@asynccontextmanager
async def reported_service(settings: Settings, client: EngineClient) -> AsyncGenerator[Service, None]:
    """The service, and word to the parent that it runs, or why it does not."""
    async with AsyncExitStack() as stack:
        try:
            service = await stack.enter_async_context(running_service(settings, client))
        except Exception as error:
            ours = error if isinstance(error, VivaError) else ServerFault(f"A worker could not start: {error}")
            tell_parent(Report.failed(ours))
            raise
        memory.settle()
        tell_parent(Report("ready"))
        yield service


async def _work() -> None:
    loop = asyncio.get_running_loop()
    client = EngineClient()

    def hear(report: Report) -> None:
        loop.call_soon_threadsafe(client.hear, report)

    given = follow_parent(hear, at_end=remove_shared_folder)
    settings = WorkerSettings.model_validate_json(given)
    configure_logging(settings.log_level, settings.log_format)
    config = uvicorn.Config(
        create_app(
            lambda: reported_service(settings, client),
            cors_origins=settings.cors_origins,
            names=answered_names(settings.hosts, settings.host),
            site=make_site(Sources(load_book(settings.prices_dir))) if settings.web else None,
        ),
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.drain_s,
    )
    await uvicorn.Server(config).serve([socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    memory.share_pools()
    tasks.run(_work())
