"""The shipped catalogue is well-formed, and what is not is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from model_workshop import DATA, PARTS, catalog_text, sha256, two_parts

from vivavoce.engines.registry import weights
from vivavoce.models.catalog import Package, load_catalog, parse_catalog
from vivavoce.models.page import with_table
from vivavoce.settings import PROFILES, load_settings

DOCS = Path(__file__).resolve().parents[2] / "docs" / "models.md"


def test_every_profile_can_be_fetched():
    needed = {name for profile in PROFILES for name in weights(load_settings(profile=profile).engine_spec())}
    assert needed <= set(load_catalog())


def test_the_models_that_the_profiles_do_not_use_are_there_too():
    roles = {name: entry.role for name, entry in load_catalog().items()}
    listeners = ("tiny-multilingual", "small", "medium", "large-v3", "large-v3-turbo")
    assert {roles[f"whisper-{size}"] for size in listeners} == {"listen"}
    assert roles["llama-3.1-8b-instruct"] == roles["mistral-7b-instruct"] == roles["qwen2.5-7b-instruct"] == "think"


@pytest.mark.parametrize(
    "name", ["ultravox-v0.5-1b", "ultravox-v0.5-8b", "voxtral-mini-3b", "qwen2.5-omni-3b", "qwen2.5-omni-7b"]
)
def test_a_model_that_hears_brings_its_projector(name: str):
    assert [file.name for file in load_catalog()[name].files] == ["model.gguf", "mmproj.gguf"]


def test_only_what_could_not_be_confirmed_goes_by_the_hubs_hash():
    assert [name for name, entry in load_catalog().items() if not entry.pinned] == ["ultravox-v0.5-8b"]


def test_every_voice_is_one_float32_matrix():
    voices = load_catalog()["kokoro-voices"].files
    assert len(voices) == len({voice.sha256 for voice in voices}) == 54
    assert {voice.size for voice in voices} == {510 * 1 * 256 * 4}
    assert {"af_heart.bin", "bm_george.bin", "zm_yunyang.bin"} < {voice.name for voice in voices}


def test_weights_with_terms_say_them_and_all_others_are_open():
    open_licences = {"MIT", "Apache-2.0", "CC0-1.0"}
    for name, entry in load_catalog().items():
        assert (entry.licence in open_licences) == (entry.terms is None), name


def test_no_address_is_shipped():
    text = Path(__file__).resolve().parents[2].joinpath("src/vivavoce/models/catalog.toml").read_text()
    assert not re.search(r"https?://|\.(com|org|io|net)\b", text)


def test_docs_table_is_the_catalogue():
    assert with_table(DOCS.read_text("utf-8")) == DOCS.read_text("utf-8"), "run: make docs"
    assert all(f"| `{name}` |" in DOCS.read_text("utf-8") for name in load_catalog())


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
        (f'sha256 = "{sha256(DATA)}"\n', "", "needs an exact size and a sha256"),
        (f'sha256 = "{sha256(DATA)}"\n', f'sha256 = "{sha256(DATA)}"\nabout = true\n', "needs an exact size"),
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
