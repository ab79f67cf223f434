"""Stored completions: found and listed by their owner alone, labelled, deleted, and nothing legible on the disk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from ledger_folder import Clock, everything

from vivavoce.errors import InvalidValue, StorageFailed
from vivavoce.ledger import completions
from vivavoce.ledger.completions import About, Page, Stored, new_id
from vivavoce.ledger.ledger import Ledger

ANSWER = {"choices": [{"message": {"content": "the very secret answer"}}]}
MESSAGES = [{"role": "user", "content": "the very secret question"}]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path, clock=clock)
    yield ledger
    ledger.close()


def keep(ledger: Ledger, made_s: float = 1000, token: str = "anna", **fields: object) -> str:
    about = About(new_id(made_s), **({"model": "viva-voce", "metadata": {}} | fields))
    ledger.completions.keep(ledger.owner(token), Stored(about, ANSWER), MESSAGES, expires_at=2000)
    return about.id


def ids(page: Page) -> Sequence[str]:
    return [stored.about.id for stored in page.found]


def test_a_completion_is_found_until_it_expires(ledger: Ledger, clock: Clock) -> None:
    anna = ledger.owner("anna")
    kept = keep(ledger, metadata={"a": "1"})
    clock.now_s = 1999.9
    found = ledger.completions.find(anna, kept)
    assert found == Stored(About(kept, "viva-voce", {"a": "1"}), ANSWER)
    assert ledger.completions.messages(anna, kept) == MESSAGES
    clock.now_s = 2000
    assert ledger.completions.find(anna, kept) is None
    assert ledger.completions.messages(anna, kept) is None
    assert ledger.completions.label(anna, kept, {}) is None
    assert not ledger.completions.forget(anna, kept)
    assert ledger.completions.list(anna) == Page([], False)


def test_somebody_elses_is_neither_found_nor_listed_nor_changed(ledger: Ledger) -> None:
    kept = keep(ledger)
    for stranger in (ledger.owner("bert"), ledger.owner("")):
        assert ledger.completions.find(stranger, kept) is None
        assert ledger.completions.messages(stranger, kept) is None
        assert ledger.completions.label(stranger, kept, {"mine": "now"}) is None
        assert not ledger.completions.forget(stranger, kept)
        assert ids(ledger.completions.list(stranger)) == []
    found = ledger.completions.find(ledger.owner("anna"), kept)
    assert found is not None
    assert found.about.metadata == {}


def test_lists_are_by_time_and_go_on_where_they_ended(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions, "_READ_AT_ONCE", 3)
    anna = ledger.owner("anna")
    kept = [keep(ledger, made_s) for made_s in (1003, 1001, 1002, 1001, 1005, 1004, 1001)]
    keep(ledger, token="bert")
    by_time = ids(ledger.completions.list(anna))
    assert sorted(by_time) == sorted(kept)
    assert [each[9:21] for each in by_time] == sorted(each[9:21] for each in kept)
    assert ids(ledger.completions.list(anna, descending=True)) == by_time[::-1]
    for descending, whole in ((False, by_time), (True, by_time[::-1])):
        walked: list[str] = []
        more = True
        while more:
            after = walked[-1] if walked else None
            page = ledger.completions.list(anna, after=after, limit=2, descending=descending)
            walked += ids(page)
            more = page.more
        assert walked == whole
    assert ledger.completions.list(anna, limit=7).more is False
    assert ledger.completions.list(anna, limit=6).more is True


def test_a_list_goes_on_after_what_was_deleted_since(ledger: Ledger) -> None:
    anna = ledger.owner("anna")
    kept = [keep(ledger, made_s) for made_s in range(1000, 1006)]
    seen: list[str] = []
    while page := ids(ledger.completions.list(anna, after=seen[-1] if seen else None, limit=2)):
        seen += page
        for each in page:
            assert ledger.completions.forget(anna, each)
    assert seen == kept


def test_lists_are_narrowed_by_model_and_metadata(ledger: Ledger) -> None:
    anna = ledger.owner("anna")
    first = keep(ledger, 1001, metadata={"a": "1", "b": "2"})
    second = keep(ledger, 1002, model="gpt-audio", metadata={"a": "1"})
    third = keep(ledger, 1003, metadata={"a": "2"})
    assert ids(ledger.completions.list(anna, model="viva-voce")) == [first, third]
    assert ids(ledger.completions.list(anna, metadata={"a": "1"})) == [first, second]
    assert ids(ledger.completions.list(anna, metadata={"a": "1", "b": "2"})) == [first]
    assert ids(ledger.completions.list(anna, model="gpt-audio", metadata={"a": "2"})) == []
    page = ledger.completions.list(anna, metadata={"a": "1"}, limit=1)
    assert (ids(page), page.more) == ([first], True), "more of those that were asked for"


@pytest.mark.parametrize("after", ["", "chatcmpl-1", "audio_1", "chatcmpl-" + "g" * 32])
def test_a_list_after_what_is_no_id_is_refused(ledger: Ledger, after: str) -> None:
    with pytest.raises(InvalidValue, match="after"):
        ledger.completions.list(ledger.owner("anna"), after=after)


def test_metadata_is_put_in_place_of_what_there_was(ledger: Ledger) -> None:
    anna = ledger.owner("anna")
    kept = keep(ledger, metadata={"a": "1"})
    changed = ledger.completions.label(anna, kept, {"b": "2"})
    assert changed == ledger.completions.find(anna, kept) == Stored(About(kept, "viva-voce", {"b": "2"}), ANSWER)
    assert ids(ledger.completions.list(anna, metadata={"a": "1"})) == []
    assert ids(ledger.completions.list(anna, metadata={"b": "2"})) == [kept]


def test_what_expires_is_collected_and_what_is_deleted_is_gone(ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    keep(ledger)
    forgotten = keep(ledger)
    assert ledger.completions.forget(ledger.owner("anna"), forgotten)
    clock.now_s = 1999
    assert ledger.collect_garbage() == 0
    clock.now_s = 2000
    before = everything(tmp_path)
    assert ledger.collect_garbage() == 1
    rows = ledger.completions._engine.connect().exec_driver_sql("select count(*) from stored_completions")  # pyright: ignore[reportPrivateUsage]
    assert rows.scalar() == 0
    assert len(everything(tmp_path)) <= len(before)


def test_the_folder_holds_nothing_that_was_said_nor_whose_it_is(ledger: Ledger, tmp_path: Path) -> None:
    kept = keep(ledger, token="sk-secret-token", metadata={"customer": "secret-name"}, model="gpt-audio")
    owner = ledger.owner("sk-secret-token")
    found = everything(tmp_path)
    assert len(found) > 1000
    for legible in (b"very secret", b"secret-name", b"customer", b"secret-token", b"gpt-audio", kept.encode(), owner):
        assert legible not in found


def test_what_was_moved_or_damaged_is_not_found(ledger: Ledger) -> None:
    """Rows of one owner are sealed under one key, each to its place."""
    anna = ledger.owner("anna")
    one, other = keep(ledger, 1001), keep(ledger, 1002)
    engine = ledger.completions._engine  # pyright: ignore[reportPrivateUsage]
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "update stored_completions set about = (select about from stored_completions where created_ms = 1002000)"
        )
    assert ledger.completions.find(anna, one) is None
    assert ids(ledger.completions.list(anna)) == [other]
    with engine.begin() as connection:
        connection.exec_driver_sql("update stored_completions set answer = x'00', messages = x''")
    assert ledger.completions.find(anna, other) is None
    assert ledger.completions.messages(anna, other) is None
    assert ids(ledger.completions.list(anna)) == []


def test_ids_are_told_apart_and_look_like_the_originals() -> None:
    made = {new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch("chatcmpl-[0-9a-f]{32}", each) for each in made)
    assert new_id(1) < new_id(2)


def test_a_broken_database_is_told(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.completions._engine.begin() as connection:  # pyright: ignore[reportPrivateUsage]
        connection.exec_driver_sql("drop table stored_completions")
    for broken in (lambda: keep(ledger), lambda: ledger.completions.list(ledger.owner("anna"))):
        with pytest.raises(StorageFailed):
            broken()
