"""The shipped catalogue is well-formed, and what is not is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from model_workshop import DATA, PARTS, catalog_text, two_parts

from vivavoce.models.catalog import Package, load_catalog, parse_catalog

DOCS = Path(__file__).resolve().parents[2] / "docs" / "models.md"


def test_default_and_tiny_profiles_are_in_the_catalogue():
    roles = {name: entry.role for name, entry in load_catalog().items()}
    assert roles == {
        "whisper-base": "listen",
        "whisper-tiny": "listen",
        "qwen2.5-coder-1.5b": "think",
        "qwen2.5-coder-0.5b": "think",
        "smollm2-135m": "think",
        "kokoro-82m": "speak",
        "kokoro-voices": "speak",
    }


def test_every_voice_is_one_float32_matrix():
    voices = load_catalog()["kokoro-voices"].files
    assert len(voices) == len({voice.sha256 for voice in voices}) == 54
    assert {voice.size for voice in voices} == {510 * 1 * 256 * 4}
    assert {"af_heart.bin", "bm_george.bin", "zm_yunyang.bin"} < {voice.name for voice in voices}


def test_licences_are_permissive():
    assert {entry.licence for entry in load_catalog().values()} <= {"MIT", "Apache-2.0"}


def test_no_address_is_shipped():
    text = Path(__file__).resolve().parents[2].joinpath("src/vivavoce/models/catalog.toml").read_text()
    assert not re.search(r"https?://|\.(com|org|io|net)\b", text)


def test_docs_table_is_the_catalogue():
    rows = dict(re.findall(r"^\| `([^`]+)` \|((?:[^|]*\|){6})$", DOCS.read_text("utf-8"), flags=re.M))
    assert list(rows) == list(load_catalog())
    for name, entry in load_catalog().items():
        cells = [cell.strip() for cell in rows[name].split("|")]
        hub = entry.hub.repo if entry.hub else "–"
        packages = {package.name.rstrip("0123456789").rstrip("-") for package in entry.packages}
        assert cells[:5] == [entry.role, entry.title, entry.licence, f"{entry.size / 1e6:.0f} MB", hub]
        assert all(package in cells[5] for package in packages) and (packages or cells[5] == "–")


@pytest.mark.parametrize(
    ("find", "put", "complaint"),
    [
        ('name = "model.bin"', 'name = "../model.bin"', "pattern"),
        ('name = "model.bin"', 'name = "/etc/passwd"', "pattern"),
        ('name = "model.bin"', 'name = ".hidden"', "pattern"),
        (f"size = {len(DATA)}", f"size = {len(DATA) + 1}", "add up"),
        ("pip:viva-part1==1.0", "pip:viva-part1", "not a package"),
        ("pip:viva-part1==1.0", "pip:--index-url==1.0", "not a package"),
        ("pip:viva-part1==1.0", "npm:-x@1", "not a package"),
        ('licence = "MIT"', 'license = "MIT"', "licence"),
        ("a" * 40, "main", "pattern"),
    ],
)
def test_a_malformed_catalogue_is_refused(find: str, put: str, complaint: str):
    text = catalog_text(two_parts())
    assert parse_catalog(text)["m"].size == len(DATA)
    with pytest.raises(ValueError, match=complaint):
        parse_catalog(text.replace(find, put))


def test_a_model_that_no_source_has_whole_is_refused():
    orphan = catalog_text([]).replace('hub_path = "sub/model.bin"', "")
    with pytest.raises(ValueError, match="no single source"):
        parse_catalog(orphan)


def test_packages_are_written_as_their_client_wants_them():
    assert Package.parse("pip:a-b==1.0").requirement == "a-b==1.0"
    assert Package.parse("npm:@s/b@1.2.1").requirement == "@s/b@1.2.1"
    assert len(PARTS) == len(parse_catalog(catalog_text(two_parts()))["m"].packages)
