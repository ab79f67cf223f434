"""What probes may cost by the day and by the month (UTC), counted from the diary on. Prices are of the price book.

An endpoint on this machine or in its network costs nothing, as in the exams. Knows no schedule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from vivavoce.errors import InvalidValue
from vivavoce.exam.budget import Purse, is_near
from vivavoce.prices.audio_tokens import audio_tokens
from vivavoce.prices.book import PriceBook
from vivavoce.probe.rows import Probe
from vivavoce.usage import OUTPUT_TOKENS_PER_S, Usage

DAYS_A_MONTH = 30
ANSWER_S = 8.0
"""Of a spoken answer, for estimates; rather too long."""

TEXT_TOKENS = 60
"""Of the instructions, and of the answer's words, likewise."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What one question to `model` costs. free: nothing."""

    book: PriceBook
    model: str
    free: bool

    @classmethod
    def at(cls, base_url: str, model: str, book: PriceBook) -> Rates:
        return cls(book, model, is_near(base_url))

    def of(self, usage: Usage | None, at: float) -> Decimal | None:
        """Dollars at a moment; None where the book or the endpoint does not say."""
        if self.free:
            return Decimal(0)
        return None if usage is None else self.book.price(usage, self.model, datetime.fromtimestamp(at, UTC).date())

    def estimate(self, question_s: float, at: float) -> Decimal | None:
        """About what one question will cost, rather too much than too little."""
        counted = audio_tokens(self.model)
        usage = Usage(
            input_text_tokens=TEXT_TOKENS,
            input_audio_tokens=round(question_s * counted.input_per_s),
            output_text_tokens=TEXT_TOKENS,
            output_audio_tokens=round(ANSWER_S * (counted.output_per_s or OUTPUT_TOKENS_PER_S)),
        )
        return self.of(usage, at)


@dataclass(frozen=True, slots=True)
class Caps:
    """US dollars; None: no cap. unpriced: go on where no price is known, and no cap can be kept."""

    per_day: Decimal | None = None
    per_month: Decimal | None = None
    unpriced: bool = False

    def check(self, target: str, about: Decimal | None, every_s: int | None) -> None:
        """Before anything is asked. about: what one question costs. Raises `InvalidValue` with what to do."""
        if about is None and not self.unpriced:
            raise InvalidValue(
                f"The price book has no price for the model of {target}, so that no cap can be kept. Add one "
                "(`viva prices`), or say unpriced if it costs nothing, or if you watch the bill."
            )
        if about and self.per_day is None and self.per_month is None:
            month = f", and ${about * 86_400 / every_s * DAYS_A_MONTH:.2f} a month" if every_s else ""
            raise InvalidValue(
                f"A probe of {target} costs about ${about:.4f}{month}. Say how much it may: budget_per_day or "
                "budget_per_month, in US dollars (--budget-per-day, --budget-per-month)."
            )


class Allowance:
    """What is left of the caps. about: what a question is taken for until it is known. spent: what the diary holds."""

    def __init__(self, caps: Caps, about: Decimal, spent: Iterable[Probe] = ()) -> None:
        self._caps = caps
        self._about = about
        self._purses: dict[str, Purse] = {}
        self._spent: defaultdict[str, Decimal] = defaultdict(Decimal)
        for probe in spent:
            for period in _periods(probe.due):
                self._spent[period] += Decimal(probe.usd or probe.usd_about or 0)

    def hold(self, due: float) -> bool:
        """Set aside what the question of `due` will cost. False: a cap would be passed."""
        day, month = self._of(due)
        if not day.hold(self._about):
            return False
        if not month.hold(self._about):
            day.pay(self._about, Decimal(0))
            return False
        return True

    def pay(self, due: float, usd: Decimal) -> None:
        for purse in self._of(due):
            purse.pay(self._about, usd)

    def _of(self, due: float) -> tuple[Purse, Purse]:
        day, month = _periods(due)
        caps = {day: self._caps.per_day, month: self._caps.per_month}
        for period, cap in caps.items():
            if period not in self._purses:
                self._purses[period] = Purse(cap, self._spent[period])
        return self._purses[day], self._purses[month]


def _periods(due: float) -> tuple[str, str]:
    """The day and the month of a due time."""
    day = datetime.fromtimestamp(due, UTC)
    return f"{day:%Y-%m-%d}", f"{day:%Y-%m}"
