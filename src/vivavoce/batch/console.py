"""Batches on a terminal: run with their progress before one's eyes, left alone and come back to, listed, fetched."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGINT, signal
from threading import Event
from types import FrameType

from openai import OpenAI
from openai.types import Batch
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from vivavoce.batch.client import ENDED, connected, endpoint_of, fetched, followed, ordered, told_plainly

INTERRUPTED = 130
"""The exit status of what Ctrl-C ended."""

MOST_ISSUES_SHOWN = 20


def run_batch(base_url: str, api_key: str, file: Path, endpoint: str | None, out: Path | None) -> int:
    """Have the requests of `file` answered, and write what came of them to `out` and beside it. The exit status."""
    endpoint = endpoint or endpoint_of(file)
    target = out or file.with_name(f"{file.stem}.output.jsonl")
    notes = Console(stderr=True)
    with connected(base_url, api_key) as client:
        notes.print(f"Uploading {escape(str(file))} …", highlight=False, soft_wrap=True)
        batch = ordered(client, file, endpoint)
        return _to_the_end(client, batch.id, target, notes)


def fetch_batch(base_url: str, api_key: str, batch_id: str, out: Path | None, *, wait: bool) -> int:
    """Write what came of a batch, once it has ended, to `out` and beside it. The exit status."""
    notes = Console(stderr=True)
    target = out or Path(f"{batch_id}.output.jsonl")
    with connected(base_url, api_key) as client:
        if not wait:
            with told_plainly(client):
                batch = client.batches.retrieve(batch_id)
            if batch.status not in ENDED:
                notes.print(f"{batch.id} has not ended: {_state(batch)}. --wait waits for it.", highlight=False)
                return 1
        return _to_the_end(client, batch_id, target, notes)


def show_batch(base_url: str, api_key: str, batch_id: str, *, as_json: bool) -> None:
    with connected(base_url, api_key) as client, told_plainly(client):
        batch = client.batches.retrieve(batch_id)
    if as_json:
        sys.stdout.write(batch.to_json() + "\n")
        return
    console = Console()
    table = Table.grid(padding=(0, 2))
    rows = [
        ("batch", batch.id),
        ("state", _state(batch)),
        ("endpoint", batch.endpoint),
        ("model", batch.model),
        ("made", _time(batch.created_at)),
        ("ends by", _time(batch.expires_at)),
        ("tokens", f"{batch.usage.input_tokens:,} in, {batch.usage.output_tokens:,} out" if batch.usage else None),
        ("output", batch.output_file_id),
        ("errors", batch.error_file_id),
    ]
    for name, value in rows:
        if value:
            table.add_row(f"[dim]{name}[/]", escape(str(value)))
    console.print(table, highlight=False)
    _show_issues(batch, console)


def list_batches(base_url: str, api_key: str, most: int, *, as_json: bool) -> None:
    """The newest first."""
    with connected(base_url, api_key) as client, told_plainly(client):
        page = client.batches.list(limit=most)
    if as_json:
        sys.stdout.write("[" + ",\n".join(batch.to_json(indent=None) for batch in page.data) + "]\n")
        return
    console = Console()
    if not page.data:
        console.print("No batches. viva batch run FILE.jsonl makes one.", highlight=False)
        return
    table = Table(box=None, header_style="bold")
    for heading in ("batch", "made", "state", "from"):
        table.add_column(heading, no_wrap=heading != "from", overflow="fold")
    for batch in page.data:
        name = (batch.metadata or {}).get("file") or batch.input_file_id
        table.add_row(batch.id, _time(batch.created_at), _state(batch), escape(name))
    console.print(table, highlight=False)


def cancel_batch(base_url: str, api_key: str, batch_id: str) -> None:
    with connected(base_url, api_key) as client, told_plainly(client):
        batch = client.batches.cancel(batch_id)
    Console().print(f"{batch.id}: {_state(batch)}. What was answered is kept (viva batch fetch).", highlight=False)


def _to_the_end(client: OpenAI, batch_id: str, out: Path, notes: Console) -> int:
    try:
        with _interrupts() as pressed:
            notes.print(f"[bold]{batch_id}[/]", highlight=False)
            batch = _watched(client, batch_id, notes, pressed)
    except KeyboardInterrupt:
        # A console that was interrupted while it printed holds back all that is printed after it: take another.
        Console(stderr=True).print(
            f"\n{batch_id} goes on by itself. Come back to it:\n"
            f"  viva batch fetch {batch_id} --wait --out {escape(str(out))}\n"
            f"  viva batch status {batch_id}\n"
            f"  viva batch cancel {batch_id}",
            highlight=False,
            soft_wrap=True,
        )
        return INTERRUPTED
    return _written(client, batch, out, notes)


@contextmanager
def _interrupts() -> Generator[Event]:
    """Set by Ctrl-C, which is raised as well: an exception that falls into the tidying up of an object is lost."""
    pressed = Event()

    def note(_: int, __: FrameType | None) -> None:
        pressed.set()
        raise KeyboardInterrupt

    before = signal(SIGINT, note)
    try:
        yield pressed
    finally:
        signal(SIGINT, before)


def _watched(client: OpenAI, batch_id: str, notes: Console, pressed: Event) -> Batch:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=notes) as progress:
        task = progress.add_task("starting", total=None, failed="", left="")
        done_before: int | None = None
        begun_s = 0.0
        for batch in followed(client, batch_id):
            if pressed.is_set():
                break
            if batch is None:
                progress.update(task, description="the server is away; waiting for it")
                continue
            counts = batch.request_counts
            done = counts.completed + counts.failed if counts else 0
            total = counts.total if counts else 0
            elapsed_s = progress.tasks[0].elapsed or 0.0
            if done_before is None and batch.status == "in_progress":
                done_before, begun_s = done, elapsed_s
            left_s = time_left_s(done - (done_before or 0), total - done, elapsed_s - begun_s)
            progress.update(
                task,
                description=batch.status.replace("_", " "),
                completed=done,
                total=total or None,
                failed=f"[red]{counts.failed} failed[/]" if counts and counts.failed else "",
                left=f"about {_span(left_s)} left" if left_s is not None and batch.status == "in_progress" else "",
            )
            if batch.status in ENDED:
                return batch
    raise KeyboardInterrupt


def time_left_s(done: int, left: int, took_s: float) -> float | None:
    """Seconds that `left` lines take at the pace of those that were `done` in `took_s`; None while there is no pace."""
    return took_s / done * left if done > 0 and took_s > 0 else None


def _written(client: OpenAI, batch: Batch, out: Path, notes: Console) -> int:
    """Fetch the files of a batch that has ended. 0 where every line was answered."""
    if batch.output_file_id:
        lines = fetched(client, batch.output_file_id, out)
        notes.print(f"{lines:,} answers: {escape(str(out))}", highlight=False, soft_wrap=True)
    if batch.error_file_id:
        errors = out.with_name(f"{out.name.removesuffix('.jsonl')}.errors.jsonl")
        lines = fetched(client, batch.error_file_id, errors)
        notes.print(f"[red]{lines:,} without an answer: {escape(str(errors))}[/]", highlight=False, soft_wrap=True)
    _show_issues(batch, notes)
    if batch.status != "completed":
        notes.print(f"[red]{batch.id}: {batch.status}[/]", highlight=False)
    return 0 if batch.status == "completed" and not batch.error_file_id else 1


def _show_issues(batch: Batch, console: Console) -> None:
    issues = (batch.errors and batch.errors.data) or []
    for issue in issues[:MOST_ISSUES_SHOWN]:
        where = f"line {issue.line}: " if issue.line is not None else ""
        console.print(f"[red]{where}{escape(issue.message or '')}[/]", highlight=False, soft_wrap=True)
    if len(issues) > MOST_ISSUES_SHOWN:
        console.print(f"[red]… and {len(issues) - MOST_ISSUES_SHOWN} more[/]", highlight=False)


def _state(batch: Batch) -> str:
    counts = batch.request_counts
    if counts is None or not counts.total:
        return batch.status
    failed = f", {counts.failed:,} failed" if counts.failed else ""
    return f"{batch.status}, {counts.completed + counts.failed:,} of {counts.total:,}{failed}"


def _time(at: int | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
