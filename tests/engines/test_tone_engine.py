"""Which tone engine runs: the one that is named, the head that fits the listener, or none."""

from __future__ import annotations

import pytest

from vivavoce.engines.registry import build_tone, tone_engine
from vivavoce.engines.spec import EngineSpec
from vivavoce.errors import InvalidValue
from vivavoce.listen.tone_head import ToneHead
from vivavoce.settings import Settings
from vivavoce.testing import ScriptedTone


def spec(listen: str, tone: str) -> EngineSpec:
    return EngineSpec(listen, "scripted:yes", "scripted:hum", "/nowhere", tone=tone)


@pytest.mark.parametrize(
    ("listen", "tone", "engine", "kind"),
    [
        ("whisper:whisper-base", "auto", "head:whisper-base", ToneHead),
        ("whisper:whisper-base", "off", None, type(None)),
        ("whisper:whisper-large-v3-turbo", "auto", None, type(None)),
        ("scripted:hello", "auto", None, type(None)),
        ("scripted:hello", "scripted:anger", "scripted:anger", ScriptedTone),
    ],
)
def test_the_engine_that_is_named_or_fits(listen: str, tone: str, engine: str | None, kind: type) -> None:
    assert tone_engine(spec(listen, tone)) == engine
    assert isinstance(build_tone(spec(listen, tone)), kind)


@pytest.mark.parametrize(
    ("listen", "tone", "says"),
    [
        ("whisper:whisper-tiny", "head:whisper-base", "Set tone = auto"),
        ("whisper:whisper-tiny", "head:whisper-tiny", "no tone head for 'whisper-tiny'"),
        ("whisper:whisper-base", "oracle:delphi", "is no tone engine. Known: head:<model>"),
    ],
)
def test_an_engine_that_cannot_be_is_refused_with_its_cure(listen: str, tone: str, says: str) -> None:
    with pytest.raises(InvalidValue, match=says) as caught:
        build_tone(spec(listen, tone))
    assert caught.value.param == "tone"


def test_settings_name_it() -> None:
    assert Settings(tone="off").engine_spec().tone == "off"
    assert Settings().engine_spec().tone == "auto"
