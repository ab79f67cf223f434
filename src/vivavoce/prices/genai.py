"""The prices of the package genai-prices, as installed. The only file that loads it; nothing is fetched.

Its rule is kept: where a model has no price for audio, audio costs there what text does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from vivavoce.errors import MissingDependency
from vivavoce.prices.check import Quote, Quoted

try:
    from genai_prices import __version__
    from genai_prices.data_snapshot import find_provider_by_id, get_snapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider, StartDateConstraint, TieredPrices
except ImportError as error:
    raise MissingDependency(
        "Checking prices needs the package genai-prices, 0.2.3 or one like it: pip install -U 'vivavoce[prices]'."
    ) from error

_TOKENS = {
    "input_text_tokens": ("input_text_mtok", "input_mtok"),
    "input_audio_tokens": ("input_audio_mtok", "input_mtok"),
    "output_text_tokens": ("output_text_mtok", "output_mtok"),
    "output_audio_tokens": ("output_audio_mtok", "output_mtok"),
}
"""Our unit -> its own price there, and what it costs where there is none."""

_AUDIO = ("input_audio_mtok", "output_audio_mtok", "input_audio_hours", "audio_hours", "input_mchars")
_HOUR = Decimal(3600)


class GenaiPrices:
    """As `check.PriceTable`. Vendors are its providers (`openai`, `google`, `groq`, `mistral`, …)."""

    def __init__(self, read_on: date) -> None:
        self._providers = get_snapshot().providers
        self._read_on = read_on

    @property
    def name(self) -> str:
        return f"genai-prices {__version__}"

    @property
    def read_on(self) -> date:
        return self._read_on

    def find(self, vendor: str, model: str, on: date) -> Quoted | None:
        provider = self._provider(vendor)
        found = provider and provider.find_model(model, all_providers=self._providers)
        return Quoted(found.id, _quotes(found, on)) if found else None

    def audio_models(self, vendor: str) -> Sequence[str]:
        provider = self._provider(vendor)
        return [model.id for model in provider.models if _hears_or_speaks(model)] if provider else []

    def _provider(self, vendor: str) -> Provider | None:
        return find_provider_by_id(self._providers, vendor)


def _quotes(model: ModelInfo, on: date) -> dict[str, Quote]:
    price, since = _in_force(model, on)
    quotes: dict[str, Quote] = {}
    for unit, (own, general) in _TOKENS.items():
        amount, fallback = _amount(price, own), _amount(price, general)
        if amount is not None:
            quotes[unit] = Quote(amount, since=since)
        elif fallback is not None:
            quotes[unit] = Quote(fallback, general=True, since=since)
    by_hour, by_character = _amount(price, "input_audio_hours"), _amount(price, "input_mchars")
    if by_hour is not None:
        quotes["input_seconds"] = Quote(by_hour * 1_000_000 / _HOUR, since=since)
        quotes.pop("input_audio_tokens", None)  # of what is billed by its length no tokens are
    if by_character is not None:
        quotes["input_characters"] = Quote(by_character, since=since)
    return quotes


def _in_force(model: ModelInfo, on: date) -> tuple[ModelPrice, date | None]:
    """By the package's own rule: the last whose condition holds, else the first; and its first day, if it has one."""
    if isinstance(model.prices, ModelPrice):
        return model.prices, None
    at = datetime.combine(on, time(), UTC)
    for priced in reversed(model.prices):
        condition = priced.constraint
        if condition is None or condition.active(at):
            return priced.prices, condition.start_date if isinstance(condition, StartDateConstraint) else None
    return model.prices[0].prices, None


def _amount(price: ModelPrice, key: str) -> Decimal | None:
    """Of prices that rise with the length of the prompt, the first."""
    value = getattr(price, key)
    return value.base if isinstance(value, TieredPrices) else value


def _hears_or_speaks(model: ModelInfo) -> bool:
    price, _ = _in_force(model, date.max)
    return any(_amount(price, key) is not None for key in _AUDIO)
