"""`viva exam …` on a terminal: options in, progress bars and tables out."""

from __future__ import annotations

import platform
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from platformdirs import user_data_path
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from vivavoce import __version__
from vivavoce.bench.machine import machine_name
from vivavoce.errors import InvalidValue
from vivavoce.exam import board, papers, runs
from vivavoce.exam.budget import Asked, Prices, Purse, allow, estimate, is_near, spent_on
from vivavoce.exam.catalogue import TASKS, chosen
from vivavoce.exam.endpoint import Endpoint
from vivavoce.exam.items import Rotation
from vivavoce.exam.runner import Examiner
from vivavoce.exam.sounds import SoundMaker, cache_dir
from vivavoce.exam.tasks import Sources
from vivavoce.prices.book import load_book


@dataclass(frozen=True, slots=True)
class Keys:
    """What no run file holds: keys of the endpoint, of the one that hears again, and of the one that speaks items."""

    endpoint: str
    rehearer: str = ""
    speech: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    """budget: dollars that a run may cost; unpriced: go on where no price is known; prices_dir: more of the book."""

    budget: Decimal | None = None
    unpriced: bool = False
    prices_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Sitting:
    """How one sitting of a run goes. recordings: the folder that their paths begin at, the manifest's."""

    concurrency: int
    keep_audio: bool
    recordings: Path | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What `viva exam run` is told. rehear_url: where spoken answers are heard again."""

    base_url: str
    model: str
    tasks: Sequence[str]
    amounts: papers.Amounts
    rotation: Rotation
    transcriber: str
    rehear_url: str
    speech_url: str
    voices: Sequence[str]
    voice: str
    manifest: Path | None
    label: str
    preview: bool | None
    sound_out: bool
    note: str


def list_tasks() -> None:
    """Every exam, what it asks, and how many items its pool holds on this machine."""
    console = Console()
    table = Table("exam", "asks", "ranked by", "items", title="Exams")
    sources = Sources(voices=papers.ESPEAK_VOICES)
    for task in TASKS.values():
        table.add_row(task.name, task.card.asks, task.headline.title, str(len(task.pool(sources))))
    console.print(table)
    console.print(
        "Items with espeak-ng's voices. A manifest's recordings come on top; sentiment and speakers have no others."
    )


def run(
    plan: Plan, keys: Keys, money: Money, *, out: Path | None, folder: Path, concurrency: int, keep_audio: bool
) -> bool:
    """Examine an endpoint. Returns whether all was asked. Raises our errors with what to do."""
    tasks = chosen(plan.tasks)
    voices = plan.voices or ((papers.SPEECH_VOICES if plan.speech_url else ()) + papers.ESPEAK_VOICES)
    sources = Sources(voices, plan.manifest)
    items, pools = papers.draw(tasks, sources, plan.rotation, plan.amounts, skip_empty=not plan.tasks)
    label = plan.label or plan.model
    made = runs.Run(
        id=secrets.token_hex(8),
        label=label,
        model=plan.model,
        base_url=plan.base_url,
        started=runs.now(),
        tasks=list(pools),
        month=plan.rotation.month,
        seed=plan.rotation.seed,
        commit=papers.commit(),
        vivavoce=__version__,
        transcriber=plan.transcriber,
        rehearer=plan.rehear_url or plan.base_url,
        speech_url=plan.speech_url,
        voices=list(voices),
        voice=plan.voice,
        preview=("preview" in plan.model and not is_near(plan.base_url)) if plan.preview is None else plan.preview,
        sound_out=plan.sound_out,
        concurrency=concurrency,
        machine=f"{machine_name()}, Python {platform.python_version()}",
        note=plan.note,
        pools=pools,
    )
    asked = papers.questions(items, made.tasks)
    prices = _prices(made, money)
    about = estimate(prices, asked)
    allow(plan.base_url, plan.model, about, money.budget, unpriced=money.unpriced)
    path = out or folder / f"{_plain(label)}-{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"
    runs.begin(path, made, items)
    console = Console(stderr=True)
    console.print(f"{len(asked)} questions of {len(items)} items to {plan.base_url}, into {path}", soft_wrap=True)
    if about:
        console.print(f"About ${about:.2f}, at most ${money.budget:.2f}.")
    sitting = Sitting(concurrency, keep_audio, _folder(plan.manifest))
    return _sit(path, made, asked, prices, keys, money, sitting, console)


def resume(
    path: Path, keys: Keys, money: Money, *, concurrency: int | None, keep_audio: bool, manifest: Path | None = None
) -> bool:
    """Go on with a run: what was not asked yet, and what got no answer. Returns whether all was asked.

    manifest: where the run's recordings lie, which its file does not say.
    """
    record = papers.load(path)
    asked = papers.left(record)
    _need_manifest(asked, manifest)
    console = Console(stderr=True)
    if not asked:
        console.print(f"{path} is whole: nothing is left to ask.", soft_wrap=True)
        show(record)
        return True
    prices = _prices(record.run, money)
    about = estimate(prices, asked)
    spent = spent_on(record.tries)
    allow(record.run.base_url, record.run.model, about, money.budget, unpriced=money.unpriced, spent=spent)
    console.print(f"{len(asked)} questions are left of {path}", soft_wrap=True)
    sitting = Sitting(concurrency or record.run.concurrency, keep_audio, _folder(manifest))
    return _sit(path, record.run, asked, prices, keys, money, sitting, console)


def _need_manifest(asked: Sequence[Asked], manifest: Path | None) -> None:
    recorded = [item for _, item, _ in asked if item.sound is not None and item.sound.file]
    if manifest is None and any(item.sound and not Path(item.sound.file).is_absolute() for item in recorded):
        raise InvalidValue(f"{len(recorded)} of the questions left are recordings: say by --manifest where they lie.")


def _folder(manifest: Path | None) -> Path | None:
    return manifest.parent if manifest is not None else None


def _sit(
    path: Path,
    made: runs.Run,
    asked: Sequence[Asked],
    prices: Prices,
    keys: Keys,
    money: Money,
    sitting: Sitting,
    console: Console,
) -> bool:
    """One sitting: puts `asked`, shows how it goes, and what came of the whole run."""
    endpoint = Endpoint(made.base_url, keys.endpoint, made.model, made.transcriber, voice=made.voice)
    rehearer = endpoint
    if made.rehearer != made.base_url:
        rehearer = Endpoint(made.rehearer, keys.rehearer or keys.endpoint, made.model, made.transcriber)
    speaker = Endpoint(made.speech_url, keys.speech or keys.endpoint, made.model) if made.speech_url else None
    examiner = Examiner(
        endpoint=endpoint,
        rehearer=rehearer,
        sounds=SoundMaker(cache_dir(), made.speech_url, speaker.speak if speaker else None, sitting.recordings),
        prices=prices,
        purse=Purse(money.budget, spent_on(papers.load(path).tries)),
        concurrency=sitting.concurrency,
        sound_out=made.sound_out,
        replies=replies_of(path) if sitting.keep_audio else None,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with runs.RunFile(path) as file, Progress(*columns, console=console) as bars:
        own: dict[str, TaskID] = {}
        for task, _, _ in asked:
            if task.name not in own:
                total = sum(each[0].name == task.name for each in asked)
                own[task.name] = bars.add_task(task.name, total=total)
        try:
            ended = examiner.examine(asked, file, lambda task, _: bars.advance(own[task]))
        except KeyboardInterrupt:
            ended = "interrupted"
        file.end(ended)
    for each in {endpoint, rehearer, *([speaker] if speaker else [])}:
        each.close()
    record = papers.load(path)
    show(record)
    if ended != "done":
        why = {
            "budget": f"The budget of ${money.budget} is used up (${examiner.purse.spent:.4f} spent).",
            "failing": "The endpoint failed ten times in a row: " + (record.tries[-1].unscored if record.tries else ""),
            "interrupted": "Interrupted.",
        }[ended]
        console.print(f"{why} {len(papers.left(record))} questions are left: viva exam resume {path}", soft_wrap=True)
    return ended == "done"


def show(record: runs.Record) -> None:
    """A run's figures, with their n."""
    console = Console()
    table = Table(
        "exam", "figure", "value", "95 %", "n", "unscored", title=f"{record.run.label}, {record.run.rotation}"
    )
    for name in record.run.tasks:
        for figure in board.figures(TASKS[name], record.of(name)):
            if figure.n or figure.withheld:
                value = board.amount(figure) if figure.estimate is not None else figure.withheld
                table.add_row(
                    name,
                    figure.title,
                    value,
                    board.bounds(figure).strip(" ()"),
                    str(figure.n),
                    str(figure.unscored or ""),
                )
    console.print(table)


def compare(paths: Sequence[Path]) -> None:
    """Leaderboards and verdicts of several runs."""
    records = [papers.load(path) for path in paths]
    if len({record.run.id for record in records}) < len(records):
        raise InvalidValue("The same run is named twice.")
    console = Console()
    for name in TASKS:
        found = board.leaderboard(records, name)
        if found.standings:
            _show_board(console, found)
    for verdict in board.verdicts(records):
        console.print(f"{verdict.change}: {verdict.words}", soft_wrap=True, highlight=False)


def _show_board(console: Console, found: board.Leaderboard) -> None:
    better = {"lower": "lower is better", "higher": "higher is better"}[found.task.headline.better or "lower"]
    table = Table(
        "rank",
        "model",
        found.task.headline.title,
        "95 %",
        "n",
        "unscored",
        "median s",
        "$",
        title=found.task.card.title,
    )
    for each in found.standings:
        table.add_row(
            str(each.rank or "–"),
            each.run.label + (" [preview]" if each.run.preview else "").replace("[", "\\["),
            board.amount(each.headline),
            board.bounds(each.headline).strip(" ()"),
            str(each.headline.n),
            str(each.headline.unscored or ""),
            f"{each.median_s:.2f}" if each.median_s is not None else "–",
            f"{each.usd:.4f}" if each.usd is not None else "unknown",
        )
    console.print(table)
    console.print(f"Same rank: cannot be told apart; {better}.")
    if found.average is not None:
        console.print(f"Average without previews: {found.average:.1f} {found.task.headline.unit}")
    for sentence in found.mixed:
        console.print(f"Note: {sentence}", soft_wrap=True)


def export(path: Path, out: Path) -> None:
    """A run as a table of tries (.csv), as figures (.json), or to be published (.jsonl). Raises `InvalidValue`."""
    from vivavoce.exam.exporting import as_csv, as_json, publish  # noqa: PLC0415

    record = papers.load(path)
    writers = {".csv": as_csv, ".json": as_json}
    if out.suffix == ".jsonl":
        publish(record, out)
    elif out.suffix in writers:
        out.write_text(writers[out.suffix](record), encoding="utf-8")
    else:
        raise InvalidValue(
            f"A run is exported as .csv, .json or .jsonl, not as {out.suffix or 'a file without ending'}."
        )
    print(out, file=sys.stdout)  # noqa: T201


def runs_folder(data_dir: Path | None) -> Path:
    """Where runs are kept unless told otherwise. data_dir: of the settings; None: the usual one."""
    return (data_dir or user_data_path("vivavoce", appauthor=False)) / "exam-runs"


def replies_of(path: Path) -> Path:
    """The folder beside a run where the sound of its answers lies."""
    return path.with_suffix(".audio")


def this_month() -> str:
    return f"{datetime.now(UTC):%Y-%m}"


def _prices(made: runs.Run, money: Money) -> Prices:
    book = load_book(money.prices_dir)
    return Prices(book, date.today(), made.model, made.transcriber, free=is_near(made.base_url))


def _plain(label: str) -> str:
    return "".join(char if char.isalnum() or char in "-._" else "-" for char in label)
