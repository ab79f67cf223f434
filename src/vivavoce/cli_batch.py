"""`viva batch`: many requests in one file, answered when nobody waits. No logic of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

batch_app = typer.Typer(no_args_is_help=True, help="Many requests in one file, answered when nobody else waits.")

UrlOption = Annotated[
    str | None,
    typer.Option("--base-url", help="Any server with /files and /batches [default: that of the settings]."),
]
KeyOption = Annotated[
    str, typer.Option("--api-key", envvar="VIVA_API_KEY", show_envvar=True, help="A key, where one is asked for.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Where the answers go; errors go beside it, as NAME.errors.jsonl.")
]
IdArgument = Annotated[str, typer.Argument(help="The id of a batch, of `viva batch list`.")]


def _url(given: str | None) -> str:
    """Without one, the server that the settings describe."""
    from vivavoce.settings import load_settings

    if given is not None:
        return given
    settings = load_settings()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}/v1"


@batch_app.command("run")
def batch_run(
    file: Annotated[Path, typer.Argument(help="One request a line, as JSON: custom_id, method, url, body.")],
    endpoint: Annotated[
        str | None, typer.Option(help="/v1/chat/completions or /v1/audio/transcriptions [default: as the first line].")
    ] = None,
    out: OutOption = None,
    base_url: UrlOption = None,
    api_key: KeyOption = "",
) -> None:
    """Upload a file of requests, watch them being answered, and write the answers.

    Ctrl-C leaves the batch running, and says how to come back to it. Exits 1 when something was not answered.
    """
    from vivavoce.batch.console import run_batch

    raise typer.Exit(run_batch(_url(base_url), api_key, file, endpoint, out))


@batch_app.command("list")
def batch_list(
    most: Annotated[int, typer.Option("--limit", min=1, max=100, help="How many.")] = 20,
    as_json: JsonOption = False,
    base_url: UrlOption = None,
    api_key: KeyOption = "",
) -> None:
    """Your batches, the newest first."""
    from vivavoce.batch.console import list_batches

    list_batches(_url(base_url), api_key, most, as_json=as_json)


@batch_app.command("status")
def batch_status(
    batch_id: IdArgument, as_json: JsonOption = False, base_url: UrlOption = None, api_key: KeyOption = ""
) -> None:
    """How a batch fares, and what is wrong with its input."""
    from vivavoce.batch.console import show_batch

    show_batch(_url(base_url), api_key, batch_id, as_json=as_json)


@batch_app.command("cancel")
def batch_cancel(batch_id: IdArgument, base_url: UrlOption = None, api_key: KeyOption = "") -> None:
    """Stop a batch. What was answered until then can be fetched."""
    from vivavoce.batch.console import cancel_batch

    cancel_batch(_url(base_url), api_key, batch_id)


@batch_app.command("fetch")
def batch_fetch(
    batch_id: IdArgument,
    out: OutOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it has ended, its progress before your eyes.")] = False,
    base_url: UrlOption = None,
    api_key: KeyOption = "",
) -> None:
    """Write the answers of a batch that has ended. Exits 1 when something was not answered."""
    from vivavoce.batch.console import fetch_batch

    raise typer.Exit(fetch_batch(_url(base_url), api_key, batch_id, out, wait=wait))
