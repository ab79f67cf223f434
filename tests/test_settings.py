"""Settings: sources and their order, errors that name the field, and the page made from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.errors import InvalidValue
from vivavoce.settings import Settings, load_settings
from vivavoce.settings_page import settings_page

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"VIVA_{name.upper()}", raising=False)
    monkeypatch.delenv("VIVA_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_no_configuration() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.profile) == ("127.0.0.1", 8080, "default")
    assert settings.engine("think") == "llamacpp:qwen2.5-coder-1.5b"
    assert settings.engine_spec().threads >= 1


def test_argument_beats_variable_beats_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "viva.toml").write_text('port = 1001\nhost = "0.0.0.0"\nprofile = "tiny"\n')
    monkeypatch.setenv("VIVA_PORT", "1002")
    assert (load_settings().port, load_settings().host) == (1002, "0.0.0.0")
    assert load_settings(port=1003).port == 1003
    assert load_settings().engine("listen") == "whisper:whisper-tiny"


def test_another_file_by_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('think = "openai:llama"\nthink_base_url = "http://127.0.0.1:1/v1"\n')
    monkeypatch.setenv("VIVA_CONFIG", str(tmp_path / "other.toml"))
    assert load_settings().engine("think") == "openai:llama"


def test_an_engine_of_its_own_beats_the_profile() -> None:
    settings = load_settings(profile="tiny", think="llamacpp:qwen2.5-coder-1.5b")
    assert settings.engine("think") == "llamacpp:qwen2.5-coder-1.5b"
    assert settings.engine("listen") == "whisper:whisper-tiny"


@pytest.mark.parametrize(("name", "value"), [("port", "many"), ("profile", "huge"), ("max_audio_s", "-1")])
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"VIVA_{name.upper()}", value)
    with pytest.raises(InvalidValue, match=f"Setting '{name}'"):
        load_settings()


def test_an_unknown_key_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "viva.toml").write_text("prot = 1\n")
    with pytest.raises(InvalidValue, match="prot"):
        load_settings()


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "viva.toml").write_text("port = = 1\n")
    with pytest.raises(InvalidValue, match=r"viva\.toml"):
        load_settings()


def test_the_key_of_a_remote_thinker_is_not_shown() -> None:
    assert "hush" not in repr(load_settings(think_api_key="hush"))


def test_the_page_is_generated() -> None:
    assert (REPO / "docs" / "settings.md").read_text() == settings_page(), "run: make docs"
