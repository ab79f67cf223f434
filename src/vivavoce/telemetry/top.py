"""`viva top`: what a running server does, live on a terminal, from its `/metrics` and `/health`.

A client of any base URL. Percentiles and rates are of the last minutes that it has watched; of all the time since the
server's start until it has watched for a while.
"""

from __future__ import annotations

import time
from collections import deque

import httpx
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from vivavoce.errors import UpstreamFailed, VivaError
from vivavoce.telemetry.figures import Reading, Stretch

REFRESH_S = 1.0
WINDOW_S = 300.0
"""How far back figures go."""

SETTLED_S = 30.0
"""Watched for less than this, figures are of the time since the server's start."""

PATIENCE_S = 5.0
LOOKING = ("/health", "/metrics")
MOST_ERRORS = 4
STAGES = ("listen", "think", "speak")
NOTHING = "–"


class Watch:
    """Readings of one server. `read` adds one, `frame` shows what they say."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        headers = {} if api_key is None else {"authorization": f"Bearer {api_key}"}
        self._client = httpx.Client(base_url=self._url, timeout=PATIENCE_S, trust_env=False, headers=headers)
        self._readings: deque[Reading] = deque()
        self._state = "unknown"

    def close(self) -> None:
        self._client.close()

    def read(self) -> None:
        """Raises `UpstreamFailed` where there is no server, or one that tells no metrics."""
        try:
            self._state = str(self._client.get("/health").json().get("status", "unknown"))
            answer = self._client.get("/metrics")
        except (httpx.HTTPError, ValueError) as error:
            raise UpstreamFailed(
                f"Nothing answers at {self._url} ({type(error).__name__}): start `viva serve`, or name its --url."
            ) from error
        if answer.status_code in (401, 403):
            raise UpstreamFailed(
                f"{self._url}/metrics asks for an admin's key: `viva keys create --admin` makes one, and VIVA_API_KEY "
                "or --api-key hands it over."
            )
        if not answer.is_success:
            raise UpstreamFailed(f"{self._url}/metrics answers {answer.status_code}: VIVA_METRICS may be off there.")
        reading = Reading.of(answer.text, time.time())
        if self._readings and _started(reading) != _started(self._readings[-1]):
            self._readings.clear()
        self._readings.append(reading)
        while reading.at_s - self._readings[0].at_s > WINDOW_S:
            self._readings.popleft()

    def frame(self) -> Panel:
        """What is shown now; at least one reading is needed."""
        now, first = self._readings[-1], self._readings[0]
        watched_s = now.at_s - first.at_s
        since_start = watched_s < SETTLED_S
        stretch = Stretch(Reading(_started(now) or now.at_s) if since_start else first, now)
        newest = Stretch(self._readings[-2], now) if len(self._readings) > 1 else None
        of = "since its start" if since_start else f"last {_span(watched_s)}"
        body = Table.grid(expand=True, padding=(0, 2))
        body.add_column(ratio=1)
        body.add_column(ratio=1)
        body.add_row(_speech(stretch), _load(stretch, newest))
        body.add_row("", "")
        body.add_row(_stages(stretch), _errors(stretch))
        up = f"up {_span(stretch.after.at_s - (_started(now) or now.at_s))}"
        head = Text.assemble(self._url, "  ", (self._state, "green" if self._state == "ready" else "red"), f"  {up}")
        return Panel(Group(head, "", body), title="viva top", subtitle=of, padding=(0, 1), width=80)


def _started(reading: Reading) -> float | None:
    return reading.value("viva_start_time_seconds")


def _grid(title: str, *columns: str) -> Table:
    """A small table: names on the left, figures on the right."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", show_edge=False, pad_edge=False)
    table.add_column(title, style="cyan", header_style="bold", no_wrap=True, min_width=11)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True, min_width=6)
    return table


def _speech(stretch: Stretch) -> Table:
    table = _grid("Speech", "p50", "p95")
    for name, metric in (
        ("first sound", "viva_first_sound_seconds"),
        ("first text", "viva_first_text_seconds"),
        ("in queue", "viva_queue_wait_seconds"),
    ):
        table.add_row(name, *(_seconds(stretch.quantile(share, metric)) for share in (0.5, 0.95)))
    dry = stretch.total("viva_underruns_total")
    table.add_row("ran dry", f"{dry:.0f}", _seconds(stretch.total("viva_underrun_seconds_total")))
    return table


def _stages(stretch: Stretch) -> Table:
    table = _grid("Stages", "p50", "p95", "rtf p50")
    for stage in STAGES:
        times = (_seconds(stretch.quantile(share, "viva_stage_seconds", stage=stage)) for share in (0.5, 0.95))
        factor = stretch.quantile(0.5, "viva_realtime_factor", stage=stage)
        table.add_row(stage, *times, NOTHING if factor is None else f"{factor:.2f}")
    return table


def _load(stretch: Stretch, newest: Stretch | None) -> Table:
    """Means of the stretch, and in a second column what is now."""
    now = stretch.after
    table = _grid("Load", "mean", "now")

    def rate(metric: str, form: str, **labels: str) -> list[str]:
        return [NOTHING if each is None else format(each.rate(metric, **labels), form) for each in (stretch, newest)]

    def gauge(name: str) -> str:
        value = now.value(name)
        return NOTHING if value is None else f"{value:.0f}"

    waiting = [value for (name, _), value in now.samples.items() if name == "viva_queue_depth"]
    requests = (each and sum(_ended(each).values()) / each.seconds for each in (stretch, newest))
    table.add_row("requests/s", *(NOTHING if each is None else f"{each:.2f}" for each in requests))
    table.add_row("streams", "", gauge("viva_turns_in_progress"))
    table.add_row("waiting", "", f"{sum(waiting):.0f}" if waiting else NOTHING)
    table.add_row("slots busy", "", gauge("viva_engine_slots_busy"))
    table.add_row("tokens/s", *rate("viva_tokens_total", ".1f", direction="out", kind="text"))
    table.add_row("speech s/s", *rate("viva_audio_seconds_total", ".2f", direction="out"))
    return table


def _errors(stretch: Stretch) -> Table:
    """How requests ended: well, or with which codes, the most frequent first."""
    table = _grid("Requests", "number")
    codes = _ended(stretch)
    table.add_row("answered", f"{codes.pop('none', 0.0):.0f}")
    for code, count in sorted(codes.items(), key=lambda item: -item[1])[:MOST_ERRORS]:
        table.add_row(Text(code, style="red"), f"{count:.0f}")
    return table


def _ended(stretch: Stretch) -> dict[str, float]:
    """Requests by code, without those that only look."""
    codes: dict[str, float] = {}
    for series, amount in stretch.grown("viva_requests_total").items():
        labels = dict(series)
        if labels["route"] not in LOOKING:
            codes[labels["code"]] = codes.get(labels["code"], 0.0) + amount
    return codes


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def top(url: str, *, api_key: str | None = None, once: bool = False, console: Console | None = None) -> None:
    """Show the server at `url` until interrupted, or `once`. Raises `UpstreamFailed` if it cannot be read at first."""
    console = console or Console()
    watch = Watch(url, api_key)
    try:
        watch.read()
        if once:
            console.print(watch.frame())
            return
        with Live(watch.frame(), console=console, auto_refresh=False, screen=True) as live:
            while True:
                time.sleep(REFRESH_S)
                try:
                    watch.read()
                    live.update(watch.frame(), refresh=True)
                except VivaError as error:
                    live.update(Panel(error.message, title="viva top", width=80), refresh=True)
    except KeyboardInterrupt:
        return
    finally:
        watch.close()
