"""What scenarios cost, by hand: at the models of the book, and on a machine of one's own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from vivavoce.prices.audio_tokens import OURS, audio_tokens
from vivavoce.prices.book import PriceBook, PriceRow, load_book
from vivavoce.prices.costs import cost, cost_table, costs
from vivavoce.prices.own import LEAST_TURNS, Pace, Turn, own_cost, pace_of
from vivavoce.prices.scenarios import CALL, CALL_S, CONVERSATION, HOUR_HEARD, SCENARIOS, TEXT_TO_SPEECH, Scenario
from vivavoce.usage import OUTPUT_TOKENS_PER_S, Usage

BOOK = load_book()
TODAY = date(2026, 11, 25)


def test_the_scenarios_are_what_they_are_said_to_be() -> None:
    assert CONVERSATION.tokens == 800
    assert HOUR_HEARD.tokens == 36_000
    assert CALL.heard_s + CALL.spoken_s < CALL_S == 300
    for scenario in (CONVERSATION, CALL):
        assert scenario.spoken_s * OUTPUT_TOKENS_PER_S == scenario.output_text_tokens * TEXT_TO_SPEECH


@pytest.mark.parametrize(
    ("model", "scenario", "usd"),
    [
        # 100 x 0.15 + 300 x 10 + 50 x 0.60 + 350 x 20, in millionths
        ("gpt-4o-mini-audio-preview", CONVERSATION, "0.010045"),
        ("gpt-4o-mini-audio-preview-2024-12-17", CONVERSATION, "0.010045"),
        # 36,000 x 10
        ("gpt-4o-mini-audio-preview", HOUR_HEARD, "0.36"),
        # 100 x 0.15 + 1,500 x 10 + 300 x 0.60 + 2,100 x 20
        ("gpt-4o-mini-audio-preview", CALL, "0.057195"),
        # 100 x 4 + 300 x 32 + 50 x 24 + 350 x 64
        ("gpt-realtime-2", CONVERSATION, "0.0336"),
        # 25 tokens a second both ways: 100 x 0.75 + 750 x 3 + 50 x 4.50 + 437 x 12
        ("gemini-3.8-live", CONVERSATION, "0.007794"),
        # 90,000 x 3, and not 36,000 x 3
        ("gemini-3.8-live", HOUR_HEARD, "0.27"),
        # 32 a second: 115,200 x 1
        ("gemini-2.5-flash", HOUR_HEARD, "0.1152"),
        # by the length of the sound; exact, although a second of it is no round price
        ("whisper-1", HOUR_HEARD, "0.36"),
        ("gpt-transcribe", HOUR_HEARD, "0.27"),
        ("voxtral-small-2507", HOUR_HEARD, "0.24"),
        ("whisper-large-v3", HOUR_HEARD, "0.111"),
        # what writes or only hears holds no conversation, what only speaks hears no hour
        ("gemini-2.5-flash", CONVERSATION, None),
        ("whisper-1", CONVERSATION, None),
        ("voxtral-small-2507", CALL, None),
        ("tts-1", HOUR_HEARD, None),
        ("gpt-4o-mini-tts", CONVERSATION, None),
        ("viva-voce", HOUR_HEARD, None),
    ],
)
def test_costs_by_hand(model: str, scenario: Scenario, usd: str | None) -> None:
    assert cost(BOOK, model, scenario, TODAY) == (None if usd is None else Decimal(usd))


def test_costs_are_those_of_the_day() -> None:
    assert cost(BOOK, "gpt-4o-audio-preview", HOUR_HEARD, date(2025, 6, 8)) == Decimal("3.6")
    assert cost(BOOK, "gpt-4o-audio-preview", HOUR_HEARD, date(2025, 6, 9)) == Decimal("1.44")
    assert cost(BOOK, "gpt-4o-audio-preview", HOUR_HEARD, date(2024, 12, 16)) is None


def rows(model: str, **prices: str) -> list[PriceRow]:
    return [PriceRow(model, unit, Decimal(usd), TODAY, TODAY, "https://a.example/") for unit, usd in prices.items()]


def test_one_missing_price_makes_all_of_it_unknown() -> None:
    partly = PriceBook(rows("m", input_audio_tokens="10", output_audio_tokens="20", input_text_tokens="1"))
    assert cost(partly, "m", HOUR_HEARD, TODAY) == Decimal("0.36")
    assert cost(partly, "m", CONVERSATION, TODAY) is None


def test_the_table_has_the_cheapest_first_and_the_unknown_last() -> None:
    book = PriceBook(
        rows("dear", input_audio_tokens="10", output_audio_tokens="20", input_text_tokens="1", output_text_tokens="1")
        + rows("cheap", input_audio_tokens="1", output_audio_tokens="2", input_text_tokens="1", output_text_tokens="1")
        + rows("hears", input_seconds="1")
        + rows("hears-dear", input_seconds="100")
        + rows("speaks", input_characters="15")
    )
    assert [each.model for each in cost_table(book, TODAY)] == ["cheap", "dear", "hears", "hears-dear"]
    # 3,600 s at 1 and at 100 a million; 36,000 tokens at 1 and at 10
    assert [each.model for each in cost_table(book, TODAY, HOUR_HEARD)] == ["hears", "cheap", "dear", "hears-dear"]
    assert cost_table(book, date(2026, 11, 24)) == []


def test_the_whole_book_is_in_order() -> None:
    for by in SCENARIOS:
        found = [each.usd[by.key] for each in cost_table(BOOK, TODAY, by)]
        known = [usd for usd in found if usd is not None]
        assert found == [*sorted(known), *[None] * (len(found) - len(known))]
        assert min(known) > 0
    assert costs(BOOK, "gemini-3.8-live", TODAY).vendor == "google"


@pytest.mark.parametrize(
    ("model", "per_s"),
    [
        ("gpt-audio", (10, 20)),
        ("viva-voce", (10, 20)),
        ("gemini-3.8-live", (25, 25)),
        ("gemini-3.1-flash-live-preview", (25, 25)),
        ("gemini-2.5-flash", (32, None)),
    ],
)
def test_vendors_count_sound_in_their_own_way(model: str, per_s: tuple[int, int | None]) -> None:
    counted = audio_tokens(model)
    assert (counted.input_per_s, counted.output_per_s) == per_s
    if counted != OURS:
        assert counted.source is not None
        assert counted.seen_on is not None


def test_seconds_stand_for_audio_tokens_beside_text() -> None:
    book = PriceBook(rows("m", input_seconds="100", input_text_tokens="2", output_text_tokens="4"))
    usage = Usage(input_text_tokens=1000, input_audio_tokens=600, output_text_tokens=500)
    # 60 x 100 + 1,000 x 2 + 500 x 4
    assert book.price(usage, "m", TODAY, seconds=Decimal(60)) == Decimal("0.01")
    assert book.price(Usage(output_audio_tokens=1), "m", TODAY, seconds=Decimal(60)) is None


def turns(n: int = 40, spoken: bool = True) -> list[Turn]:
    """A machine that takes half a second a turn, 0.1 s a second heard and 0.25 s a second spoken."""
    lengths = [(2.0 + i % 7, (1.0 + i % 5) if spoken else 0.0) for i in range(n)]
    return [Turn(heard, said, 0.5 + 0.1 * heard + 0.25 * said) for heard, said in lengths]


def test_the_pace_of_a_machine_is_told_from_its_turns() -> None:
    pace = pace_of(turns())
    assert pace is not None
    assert (pace.turn_s, pace.heard_s, pace.spoken_s) == pytest.approx((0.5, 0.1, 0.25))
    assert (pace.n, pace.longest_heard_s) == (40, 8)
    assert pace.error == pytest.approx(0)
    # 2 x 0.5 + 30 x 0.1 + 17.5 x 0.25 seconds at $0.36 an hour
    assert pace.machine_s(CONVERSATION) == pytest.approx(8.375)
    assert own_cost(pace, Decimal("0.36"), CONVERSATION) == Decimal("0.0008375")
    assert own_cost(pace, Decimal("0.36"), HOUR_HEARD) == Decimal("0.03605")
    assert own_cost(pace, Decimal(0), CALL) == 0, "a machine that costs nothing is no unknown one"


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert pace_of(turns(LEAST_TURNS - 1)) is None
    silent = pace_of(turns(spoken=False))
    assert silent is not None
    assert silent.spoken_s is None
    assert own_cost(silent, Decimal(1), CONVERSATION) is None
    assert own_cost(silent, Decimal(1), HOUR_HEARD) is not None
    assert own_cost(None, Decimal(1), HOUR_HEARD) is None
    assert own_cost(silent, None, HOUR_HEARD) is None


def test_no_second_takes_less_than_no_time() -> None:
    odd = [Turn(1.0 + i % 4, 8.0 - 2 * (i % 4), 1.0 + 0.3 * (8.0 - 2 * (i % 4)) - 0.01 * (i % 4)) for i in range(40)]
    pace = pace_of(odd)
    assert pace is not None
    assert min(pace.turn_s, pace.heard_s or 0, pace.spoken_s or 0) >= 0
    assert pace_of([Turn(1, 1, 0)] * 40) is None, "turns that nobody clocked"


def test_a_pace_without_sound_out_of_a_scenario_costs_its_turns_only() -> None:
    assert Pace(0.5, 0.1, None, 40, 0.0, 8.0).machine_s(HOUR_HEARD) == pytest.approx(360.5)
