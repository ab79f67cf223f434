"""What is there and what it takes, licences with terms, and removal."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_workshop import DATA, Workshop, catalog_text, finish, two_parts

from vivavoce.errors import ModelNotFound, ModelNotInstalled, TooBusy
from vivavoce.models.inventory import inventory, other_bytes

TERMS = "Be kind with it."


def under_terms(workshop: Workshop) -> None:
    workshop.write_catalog(catalog_text(two_parts()).replace('licence = "MIT"', f'licence = "Own"\nterms = "{TERMS}"'))


def test_a_row_says_what_there_is_and_what_it_takes(quick_workshop: Workshop):
    store = quick_workshop.store()
    (one,) = inventory(store)
    assert (one.name, one.role, one.licence, one.size_bytes, one.hash_from) == (
        "m",
        "think",
        "MIT",
        len(DATA),
        "catalogue",
    )
    assert not one.installed and not one.recorded and one.disk_bytes == 0
    store.pull("m")
    (one,) = inventory(store)
    record_bytes = (quick_workshop.root / "m" / "source.json").stat().st_size
    assert one.installed and one.recorded and one.disk_bytes == len(DATA) + record_bytes
    assert one.files[0].source == "pip:viva-part0==1.0, pip:viva-part1==1.0"
    assert one.sources[0] == "hub:us/m@aaaaaaaaaaaa"


def test_room_taken_by_unfinished_pulls_and_strangers_is_seen_and_freed(quick_workshop: Workshop):
    store = quick_workshop.store()
    for folder, count in ((".partial/m/package", 1000), (".partial/of-an-older-version", 200), ("whatever", 30)):
        (quick_workshop.root / folder).mkdir(parents=True)
        (quick_workshop.root / folder / "f.bin").write_bytes(bytes(count))
    rows = inventory(store)
    assert rows[0].partial_bytes == 1000 and other_bytes(quick_workshop.root, rows) == 230
    assert store.remove_unfinished() == {"m": 1000, "of-an-older-version": 200}
    assert store.remove_unfinished() == {}
    assert (quick_workshop.root / "whatever" / "f.bin").exists()


def test_removal_frees_and_says_how_much(quick_workshop: Workshop):
    store = quick_workshop.store()
    assert store.remove("m") == 0 and not quick_workshop.root.exists(), "nothing there: nothing written either"
    store.pull("m")
    quick_workshop.root.joinpath(".partial", "m").mkdir(parents=True)
    quick_workshop.root.joinpath(".partial", "m", "left").write_bytes(bytes(500))
    assert store.remove("m") == pytest.approx(len(DATA) + 500, abs=1000)  # and the record, of a few hundred bytes
    assert not store.is_installed("m") and not (quick_workshop.root / "m").exists()
    assert not list(quick_workshop.root.glob(".partial/*"))
    with pytest.raises(ModelNotFound, match="Known: m"):
        store.remove("nonesuch")


def test_what_is_being_fetched_is_not_removed(workshop: Workshop):
    workshop.in_one_package()
    child = workshop.child(pause_after=1)
    assert child.stdout is not None
    while not child.stdout.readline().startswith(tuple("123456789")):
        pass
    store = workshop.store()
    with pytest.raises(TooBusy, match="m is being fetched by another process"):
        store.remove("m")
    assert store.remove_unfinished() == {}
    (workshop.folder / "go").touch()
    told, complaint = finish(child)
    assert "pulled" in told, complaint
    assert store.remove("m") > 0


def test_weights_under_terms_are_not_fetched_without_consent(quick_workshop: Workshop):
    under_terms(quick_workshop)
    store = quick_workshop.store()
    with pytest.raises(ModelNotInstalled, match=rf"under the Own licence\. {TERMS} To accept.*VIVA_ACCEPT_LICENCE"):
        store.pull("m")
    assert not quick_workshop.final.exists() and not list(Path(quick_workshop.root).glob("m/*"))
    store.pull("m", accept_terms=True)
    assert "terms_accepted_at" in (quick_workshop.root / "m" / "source.json").read_text()
    store.pull("m")  # what is here is not asked about again


def test_weights_under_terms_that_somebody_put_there_are_used(quick_workshop: Workshop):
    under_terms(quick_workshop)
    quick_workshop.final.parent.mkdir(parents=True)
    quick_workshop.final.write_bytes(DATA)
    quick_workshop.store().pull("m")
    assert "terms_accepted_at" not in (quick_workshop.root / "m" / "source.json").read_text()
