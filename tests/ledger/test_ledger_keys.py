"""Keys: shown once, stored as hashes, found while they are in force."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from ledger_folder import Clock, everything

from vivavoce.errors import InvalidValue, NotFound
from vivavoce.ledger.keys import PREFIX, KeyLimits
from vivavoce.ledger.ledger import Ledger

LIMITS = KeyLimits(3, 9000, 10**12, Decimal("12.34"))


def test_a_key_is_found_by_what_its_owner_sends(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, clock=Clock())
    assert not ledger.keys.any()
    key, token = ledger.keys.create("anna's laptop", LIMITS, admin=True)
    assert token.startswith(PREFIX)
    assert token.endswith(key.hint)
    assert (key.created_at, key.revoked_at, key.admin) == (1000, None, True)
    assert ledger.keys.find(token) == key
    for wrong in ("", token[:-1], token + "x", token.lower(), key.id, key.name):
        assert ledger.keys.find(wrong) is None
    assert ledger.keys.any()
    assert ledger.keys.list() == [key]
    ledger.close()
    again = Ledger(tmp_path)
    assert again.keys.find(token) == key
    again.close()


def test_nothing_in_the_folder_gives_a_key_away(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    _, token = ledger.keys.create("anna")
    secret = token.removeprefix(PREFIX)
    held = everything(tmp_path)
    assert secret[:12].encode() not in held
    assert secret[8:24].encode() not in held
    ledger.close()


def test_a_revoked_key_is_not_found_and_leaves_its_name(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path, clock=clock)
    key, token = ledger.keys.create("anna")
    with pytest.raises(InvalidValue, match="anna"):
        ledger.keys.create("anna")
    clock.now_s = 2000.0
    assert ledger.keys.revoke("anna") == key
    assert ledger.keys.find(token) is None
    assert [each.revoked_at for each in ledger.keys.list()] == [2000]
    assert ledger.keys.any(), "the door does not open again"
    with pytest.raises(NotFound, match="viva keys list"):
        ledger.keys.revoke(key.id)
    second, token = ledger.keys.create("anna")
    assert ledger.keys.revoke(second.id) == second
    assert ledger.keys.find(token) is None
    ledger.close()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
def test_names_can_be_shown(tmp_path: Path, name: str) -> None:
    ledger = Ledger(tmp_path)
    with pytest.raises(InvalidValue, match="name"):
        ledger.keys.create(name)
    ledger.close()
