"""`viva keys` and `viva usage` as a person meets them, and as a program does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from test_cli import viva
from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.usage import UsageRow
from vivavoce.usage import Usage


@pytest.mark.parametrize("words", [("keys",), ("keys", "create"), ("keys", "list"), ("keys", "revoke"), ("usage",)])
def test_every_command_explains_itself(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = viva(*words, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert "Usage: " in done.stdout
    assert len(done.stdout.splitlines()) > 4


def test_a_key_lives_and_is_shown_once(tmp_path: Path) -> None:
    assert "viva keys create NAME" in viva("keys", "list", folder=tmp_path).stdout
    made = viva("keys", "create", "laptop", "--rpm", "60", "--monthly-usd", "$12.50", folder=tmp_path)
    token = made.stdout.strip()
    assert token.startswith("sk-viva-")
    assert len(made.stdout.splitlines()) == 1, "fit for KEY=$(…)"
    assert "cannot be shown again" in made.stderr
    listed = viva("keys", "list", folder=tmp_path)
    assert token not in listed.stdout
    for part in ("laptop", f"…{token[-4:]}", "60 requests/min", "$12.5/month", "0 tokens"):
        assert part in listed.stdout
    (told,) = json.loads(viva("keys", "list", "--json", folder=tmp_path).stdout)
    assert (told["name"], told["requests_per_minute"], told["monthly_usd"]) == ("laptop", 60, "12.5")
    assert "key" not in told
    assert "hash" not in told
    assert "is revoked" in viva("keys", "revoke", told["id"], folder=tmp_path).stdout
    assert "let nobody in" in viva("keys", "list", folder=tmp_path).stdout
    assert "laptop (revoked" in viva("keys", "list", "--all", folder=tmp_path).stdout


def test_a_name_is_shown_as_it_is(tmp_path: Path) -> None:
    viva("keys", "create", "[red]anna[/]", folder=tmp_path)
    assert "[red]anna[/]" in viva("keys", "list", folder=tmp_path).stdout
    assert "[red]anna[/]" in viva("keys", "revoke", "[red]anna[/]", folder=tmp_path).stdout


def test_keys_for_programs(tmp_path: Path) -> None:
    made = json.loads(viva("keys", "create", "ci", "--admin", "--json", folder=tmp_path).stdout)
    assert made["key"].endswith(made["hint"])
    assert made["admin"] is True


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("keys", "revoke", "nobody"), 2, "No key in force is 'nobody'"),
        (("keys", "create", ""), 2, "needs a name"),
        (("keys", "create", "a", "--monthly-usd", "much"), 2, "US dollars"),
        (("keys", "create", "a", "--rpm", "0"), 2, "rpm"),
        (("usage", "--by", "colour"), 2, "colour is none of day, key, model"),
        (("usage", "--since", "yesterday"), 2, "since"),
    ],
)
def test_wrong_input_is_one_sentence(tmp_path: Path, words: tuple[str, ...], status: int, says: str) -> None:
    done = viva(*words, folder=tmp_path)
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def used(folder: Path) -> str:
    """A ledger with two requests of a key, one of them without a price; its day."""
    ledger = Ledger(folder)
    key, _ = ledger.keys.create("anna")
    at = int(datetime.now(UTC).timestamp())
    usage = Usage(60, 364, 0, 17, 45)
    fields = {"key_id": key.id, "route": "/v1/chat/completions", "status": 200, "code": None, "usage": usage}
    fields |= {"total_ms": 900, "heard_ms": 36_400, "spoken_ms": 2250, "machine_ms": 10_000}
    price, cost = Decimal("0.0045592"), Decimal("0.001")
    ledger.usage.add(
        [
            UsageRow("req_1", at, model="gpt-4o-mini-audio-preview", price_usd=price, cost_usd=cost, **fields),
            UsageRow("req_2", at, model="viva-voce", **fields),
        ]
    )
    ledger.close()
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def test_usage_is_shown_and_compared(tmp_path: Path) -> None:
    assert "Nothing was used" in viva("usage", folder=tmp_path).stdout
    day = used(tmp_path)
    shown = viva("usage", folder=tmp_path).stdout
    for part in (day, "anna", "gpt-4o-mini-audio-preview", "364", "$0.0046", "≥ $0.0046", "1 requests are not in it"):
        assert part in shown
    own = next(line for line in shown.splitlines() if "viva-voce" in line)
    assert own.rstrip().endswith("–"), "an unknown price is no price of nothing"
    compared = viva("usage", "--compare", "--by", "model", folder=tmp_path).stdout
    for part in ("machine", "here", "there", "$0.0010", "≥ $0.0046", "78%", "20.0 s", "idle time is nobody's"):
        assert part in compared
    told = json.loads(viva("usage", "--json", "--by", "model", folder=tmp_path).stdout)
    assert [row["price_usd"] for row in told["data"]] == ["0.0045592", None]
    assert (told["total"]["requests"], told["total"]["unpriced_requests"]) == (2, 1)
