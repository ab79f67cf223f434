"""What an exam costs: estimated before, counted while it runs, and stopped at a cap. Prices are of the price book.

An endpoint on this machine or in its network costs nothing. One elsewhere is examined only under a cap in dollars, by
a model that the book has a price for; or, without one, where somebody says outright that it goes unpriced.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

from vivavoce.errors import InvalidValue
from vivavoce.exam.endpoint import DIARIZER, Reply
from vivavoce.exam.items import Item, Mode
from vivavoce.exam.runs import Try
from vivavoce.exam.tasks import Task, Way
from vivavoce.prices.audio_tokens import audio_tokens
from vivavoce.prices.book import PriceBook
from vivavoce.usage import OUTPUT_TOKENS_PER_S, Usage, about_tokens

SPOKEN_WORDS_PER_S = 2.5
RECORDING_S = 8.0
"""Of a recording whose length is not known, for estimates."""

ANSWER_S = 12.0
"""Of a spoken answer, likewise."""

Asked = tuple[Task, Item, Mode]


@dataclass(frozen=True, slots=True)
class Prices:
    """By the book on a day, for the models that an exam uses. free: the endpoint costs nothing."""

    book: PriceBook
    on: date
    model: str
    transcriber: str
    free: bool
    diarizer: str = DIARIZER

    def of(self, way: Way, usage: Usage | None, seconds: float) -> Decimal | None:
        """Dollars for one answer; seconds: of the recording. None where the book or the endpoint does not say."""
        if self.free:
            return Decimal(0)
        name = self._name(way)
        rates = self.book.rates(name, self.on)
        if usage is None and set(rates) != {"input_seconds"}:  # what is billed by the length alone needs no usage
            return None
        return self.book.price(usage or Usage(), name, self.on, seconds=Decimal(str(round(seconds, 3))))

    def _name(self, way: Way) -> str:
        return {"ask": self.model, "transcribe": self.transcriber, "diarize": self.diarizer}[way]

    def estimate(self, asked: Asked) -> Decimal | None:
        """About what one question will cost, rather too much than too little."""
        task, item, mode = asked
        request = task.request(item)
        way = task.way(item)
        sound = item.sound
        heard_s = 0.0
        if mode == "spoken" and sound is not None:
            heard_s = sound.duration_s or len(sound.text.split()) / SPOKEN_WORDS_PER_S or RECORDING_S
        counted = audio_tokens(self._name(way))
        usage = Usage(
            input_text_tokens=about_tokens(request.system + (item.ask if mode == "typed" else "")) + 20,
            input_audio_tokens=round(heard_s * counted.input_per_s),
            output_text_tokens=request.max_tokens // (4 if request.sound else 2) if way == "ask" else 60,
            output_audio_tokens=round(ANSWER_S * (counted.output_per_s or OUTPUT_TOKENS_PER_S)) if request.sound else 0,
        )
        return self.of(way, usage, heard_s)


class Purse:
    """Counts what is spent, from `spent` on, and says when the cap is reached. Safe from several threads."""

    def __init__(self, cap: Decimal | None, spent: Decimal = Decimal(0)) -> None:
        self.cap = cap
        self.spent = spent
        self._held = Decimal(0)
        self._lock = threading.Lock()

    def hold(self, usd: Decimal) -> bool:
        """Set `usd` aside for a question that is about to be put. False: the cap would be passed."""
        with self._lock:
            if self.cap is not None and self.spent + self._held + usd > self.cap:
                return False
            self._held += usd
            return True

    def pay(self, held: Decimal, usd: Decimal) -> None:
        with self._lock:
            self._held -= held
            self.spent += usd


def is_near(base_url: str) -> bool:
    """The host is this machine or in a private network, by its name or address alone."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".lan")) or "." not in host:
        return ":" not in host or _is_private(host)
    return _is_private(host)


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback


def estimate(prices: Prices, questions: Sequence[Asked]) -> Decimal | None:
    """About what all of them cost; None where a price is not known."""
    total = Decimal(0)
    for asked in questions:
        usd = prices.estimate(asked)
        if usd is None:
            return None
        total += usd
    return total


def spent_on(tries: Iterable[Try]) -> Decimal:
    """Dollars, as far as they are known."""
    return sum((Decimal(made.usd) for made in tries if made.usd), Decimal(0))


def allow(
    base_url: str,
    model: str,
    about: Decimal | None,
    cap: Decimal | None,
    *,
    unpriced: bool,
    spent: Decimal = Decimal(0),
) -> None:
    """Raises `InvalidValue` with what to do, where the exam would cost an amount that nobody has agreed to.

    spent: by earlier sittings of the run, which the cap counts too.
    """
    if about is None and not unpriced:
        raise InvalidValue(
            f"The price book has no price for {model} at {base_url}, so that no cap can be kept. Add one "
            "(`viva prices`), or say --unpriced if it costs nothing, or if you watch the bill."
        )
    if about is not None and about > 0 and cap is None:
        raise InvalidValue(f"This costs about ${about:.2f} at {base_url}. Say how much it may: --budget USD.")
    if about is not None and cap is not None and about + spent > cap:
        before = f" after the ${spent:.2f} spent already" if spent else ""
        raise InvalidValue(
            f"This costs about ${about:.2f} at {base_url}{before}, more than the budget of ${cap:.2f}. "
            "Ask fewer items (--items), fewer exams, or raise it."
        )


def cost(prices: Prices, way: Way, reply: Reply, heard_s: float) -> Decimal | None:
    return prices.of(way, reply.usage, heard_s)
