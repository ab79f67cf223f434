"""Puts questions to an endpoint, several at a time, and writes down each answer with its judgement as it comes.

What has been answered before is not asked again; what failed is. Ends early at the cap of a budget, or where the
endpoint fails so often that going on would tell nothing. Knows no terminal: it reports to a `Progress`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

from vivavoce.codec.decode import decode
from vivavoce.errors import InvalidRequest, UnsupportedFormat, VivaError
from vivavoce.exam.budget import Asked, Prices, Purse, cost
from vivavoce.exam.endpoint import Endpoint, Reply
from vivavoce.exam.items import Item, Mode
from vivavoce.exam.runs import RunFile, Try, now
from vivavoce.exam.sounds import SoundMaker
from vivavoce.exam.tasks import Judgement, Task

Ended = Literal["done", "budget", "failing", "interrupted"]
Progress = Callable[[str, Try], None]
"""Called with the task and each try as it is written."""

FAILURES_IN_A_ROW = 10

FAILED = "failed"
"""`Try.finish` of what got no answer: it is asked again when the run is resumed."""


@dataclass(frozen=True, slots=True)
class Examiner:
    """Who asks. rehearer: hears spoken answers again. sound_out: ask for sound also where nothing spoken is put in, as
    the original demands. replies: where the sound of answers is kept; None: only its hash is.
    """

    endpoint: Endpoint
    rehearer: Endpoint
    sounds: SoundMaker
    prices: Prices
    purse: Purse
    concurrency: int = 1
    sound_out: bool = False
    replies: Path | None = None

    def examine(self, questions: Sequence[Asked], file: RunFile, progress: Progress | None = None) -> Ended:
        """Put all of `questions`. Returns why it ended. At the first Ctrl-C it waits for what is under way and writes
        it down; a second one gets out. So does `StorageFailed`, but nothing else that a single question raises."""
        waiting = iter(questions)
        failures = 0
        ended: Ended = "done"
        under_way: dict[Future[Try], tuple[str, Decimal]] = {}
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="exam") as pool:
            try:
                while True:
                    if ended == "done":
                        ended = self._fill(pool, waiting, under_way)
                    if not under_way:
                        return ended
                    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                        task, held = under_way.pop(future)
                        made = future.result()
                        self.purse.pay(held, Decimal(made.usd) if made.usd else Decimal(0))
                        file.add(made)
                        failures = failures + 1 if made.finish == FAILED else 0
                        if progress is not None:
                            progress(task, made)
                    if failures >= FAILURES_IN_A_ROW:
                        ended = "failing"
            except KeyboardInterrupt:
                for future in under_way:
                    if not future.cancel():
                        file.add(future.result())
                return "interrupted"

    def _fill(
        self, pool: ThreadPoolExecutor, waiting: Iterable[Asked], under_way: dict[Future[Try], tuple[str, Decimal]]
    ) -> Ended:
        for asked in waiting if len(under_way) < self.concurrency else ():
            held = self.prices.estimate(asked) or Decimal(0)
            if not self.purse.hold(held):
                return "budget"
            under_way[pool.submit(self.put, *asked)] = (asked[0].name, held)
            if len(under_way) >= self.concurrency:
                break
        return "done"

    def put(self, task: Task, item: Item, mode: Mode) -> Try:
        """One question put and judged. What fails is a try without values; the message says why."""
        made = Try(item.id, task.name, mode, asked_at=now())
        question: str | bytes = item.ask
        if mode == "spoken" and item.sound is not None:
            try:
                question = self.sounds.wav(item.sound)
                length_s = round(decode(question).duration_s, 3)
            except VivaError as error:
                return replace(made, finish=FAILED, unscored=error.message)
            digest = hashlib.sha256(question).hexdigest()
            made = replace(made, question_sha256=digest, question_s=length_s)
        try:
            reply = self._answered(task, item, question)
        except VivaError as error:
            # A refusal of the request itself comes again each time, and is no reason to stop.
            finish = "refused" if isinstance(error, InvalidRequest) else FAILED
            return replace(made, finish=finish, unscored=error.message)
        judged = _judged(task, item, reply)
        usd = cost(self.prices, task.way(item), reply, made.question_s or 0.0)
        made = replace(
            made,
            seconds=round(reply.seconds, 3),
            first_text_s=_rounded(reply.first_text_s),
            first_sound_s=_rounded(reply.first_sound_s),
            answer=reply.text,
            heard=reply.heard,
            reheard=reply.reheard,
            calls=reply.calls,
            turns=reply.turns,
            finish=reply.finish,
            usage=reply.usage,
            usd=str(usd) if usd is not None else None,
            values=judged.values,
            unscored=judged.unscored,
            note=judged.note,
        )
        return self._with_sound(made, reply.audio) if reply.audio else made

    def _answered(self, task: Task, item: Item, question: str | bytes) -> Reply:
        if task.way(item) == "transcribe" and isinstance(question, bytes):
            return self.endpoint.transcribe(question)
        if task.way(item) == "diarize" and isinstance(question, bytes):
            return self.endpoint.diarize(question)
        request = task.request(item)
        if self.sound_out and isinstance(question, str):
            request = replace(request, sound=True)
        if task.streams:
            return self.endpoint.stream(question, request)
        reply = self.endpoint.ask(question, request)
        if task.rehears and reply.audio:
            reply = replace(reply, reheard=self.rehearer.transcribe(reply.audio, item.language).text)
        return reply

    def _with_sound(self, made: Try, audio: bytes) -> Try:
        digest = hashlib.sha256(audio).hexdigest()
        if self.replies is not None:
            self.replies.mkdir(parents=True, exist_ok=True)
            (self.replies / f"{digest}.wav").write_bytes(audio)
        try:
            return replace(made, audio_sha256=digest, audio_s=round(decode(audio).duration_s, 3))
        except UnsupportedFormat:
            return replace(made, audio_sha256=digest)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _judged(task: Task, item: Item, reply: Reply) -> Judgement:
    if reply.finish == "content_filter":
        return Judgement(None, unscored="the endpoint's filter stopped the answer")
    try:
        return task.score(item, reply)
    except VivaError as error:
        return Judgement(None, unscored=error.message)
    except Exception as error:
        # An answer may hold anything; whatever a scorer trips over must not end a run of hours.
        return Judgement(None, unscored=f"the scorer failed: {type(error).__name__}: {error}"[:300])
