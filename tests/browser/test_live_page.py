"""The live test in a real browser, over scripted engines: spoken and typed, many turns, two models, stopped, copied."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from live_page import ANSWER, CHROMIUM, HEARD, QUESTION_HZ, QUESTION_S, MakePage
from playwright.sync_api import Page, expect
from scripted_app import eventually

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.testing import ScriptedSpeaker, ScriptedThinker, ScriptedTone

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on PATH (Debian: apt install chromium)")


def loudest_hz(audio: Audio) -> float:
    middle = audio.slice(0.5, 1.5).samples
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return float(spectrum.argmax() * audio.rate_hz / len(middle))


def test_what_the_microphone_hears_is_asked_heard_answered_and_timed(make_page: MakePage) -> None:
    live, scripted = make_page(tone=ScriptedTone("anger", 0.8), speaker=ScriptedSpeaker(delay_s=0.05))
    live.speak(QUESTION_S)
    played = live.played()
    answer = live.answers()

    (heard,) = scripted.engines.listener.heard  # type: ignore[attr-defined]
    assert heard.duration_s == pytest.approx(QUESTION_S, abs=0.6)
    assert loudest_hz(heard) == pytest.approx(QUESTION_HZ, abs=5)

    expect(live.page.locator(".asked")).to_have_text(f"“{HEARD}”")
    expect(answer.locator(".heard-words")).to_contain_text("what is the")
    expect(answer.locator("mark")).to_contain_text("capitol (doubtful, 10 %)")
    facts = answer.locator(".facts li").all_inner_texts()
    assert facts[:2] == ["English, 99 %", "sounds angry, 80 %"]

    said = answer.locator(".words").inner_text()
    assert said.startswith("Did you say")
    spoken = sum(round(0.06 * len(text) * SPEAK_RATE_HZ) for text, _, _ in scripted.engines.speaker.spoken)  # type: ignore[attr-defined]
    assert int(played["receivedSamples"]) == pytest.approx(spoken, rel=0.25)  # pauses between clauses come to it
    assert played["playedSamples"] == played["receivedSamples"]
    assert float(played["playedPeak"]) == pytest.approx(0.2, abs=0.01)
    assert played["gaps"] == "0"

    assert live.stages() == [
        "upload",
        "hearing",
        "thinking",
        "first sound made",
        "first sound heard",
        "the rest",
    ]
    until_s = [_seconds(text) for text in answer.locator(".waterfall tbody tr td:last-child").all_inner_texts()]
    assert until_s[:5] == sorted(until_s[:5])  # an answer may end before its first sound is out
    assert 0 < _seconds(answer.locator(".first-sound").inner_text()) < 5
    assert live.complaints == []


def _seconds(text: str) -> float:
    number, unit = text.split()
    return float(number) / (1000 if unit == "ms" else 1)


def test_tokens_are_shown_with_what_the_original_would_ask(make_page: MakePage) -> None:
    live, scripted = make_page()
    live.type("What is the capital of France?")
    live.ask()
    live.played()
    (usage,) = eventually(lambda: scripted.http.get("/v1/usage").json()["data"])
    answer = live.answers()
    assert answer.locator(".tokens").inner_text() == f"{usage['input_tokens']} → {usage['output_tokens']}"
    rates = {"input_text_tokens": "0.15", "output_text_tokens": "0.60", "output_audio_tokens": "20"}
    exact = sum(Decimal(rate) * usage[unit] for unit, rate in rates.items()) / 1_000_000
    shown = Decimal(answer.locator(".price").inner_text().removeprefix("$"))
    assert abs(shown - exact) <= exact * Decimal("0.05")
    assert answer.locator(".price-note").inner_text() == "as gpt-4o-mini-audio-preview"


def _bodies(page: Page) -> list[dict[str, object]]:
    kept: list[dict[str, object]] = []

    def keep(request: object) -> None:
        if request.url.endswith("/chat/completions"):  # type: ignore[attr-defined]
            kept.append(json.loads(request.post_data))  # type: ignore[attr-defined]

    page.on("request", keep)
    return kept


def test_the_next_turn_names_the_answer_before_by_its_id(make_page: MakePage) -> None:
    live, scripted = make_page()
    bodies = _bodies(live.page)
    live.page.locator("summary", has_text="Instructions to the model").click()
    live.page.locator("#instructions").fill("You are a pilot.")
    for number, text in enumerate(["One?", "Two?"]):
        live.type(text)
        live.ask()
        live.played(number)
    roles = [[message["role"] for message in body["messages"]] for body in bodies]  # type: ignore[attr-defined]
    assert roles == [["system", "user"], ["system", "user", "assistant", "user"]]
    assert re.fullmatch(r"audio_\w+", bodies[1]["messages"][2]["audio"]["id"])  # type: ignore[index]
    thought = [message.text for message in scripted.engines.thinker.asked[-1]]  # type: ignore[attr-defined]
    assert thought[-3:] == ["One?", ANSWER, "Two?"]

    live.page.get_by_role("button", name="New conversation").click()
    expect(live.answers()).to_have_count(0)
    live.type("Three?")
    live.ask()
    live.played()
    assert len(bodies[2]["messages"]) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("by", ["button", "escape"])
def test_an_answer_is_stopped_at_once(make_page: MakePage, by: str) -> None:
    thinker = ScriptedThinker(" ".join(["word"] * 400), delay_s=0.05)
    live, _ = make_page(thinker=thinker)
    live.type("Go on for long.")
    live.ask()
    expect(live.answers().locator(".words")).to_contain_text("word word word")
    if by == "button":
        live.answers().get_by_role("button", name="Stop").click()
    else:
        live.page.keyboard.press("Escape")
    expect(live.answers()).to_have_attribute("data-state", "stopped")
    eventually(lambda: thinker.busy == 0)
    played = int(live.played()["playedSamples"])
    assert played < SPEAK_RATE_HZ * 60
    live.type("And now?")
    live.ask()
    expect(live.answers()).to_have_count(2)
    eventually(lambda: len(thinker.asked) == 2)
    assert "word word" in thinker.asked[1][-2].text  # what was said until then is remembered
    live.page.keyboard.press("Escape")


def test_two_models_answer_the_same_question_one_after_the_other(make_page: MakePage) -> None:
    live, scripted = make_page()
    bodies = _bodies(live.page)
    live.page.get_by_label("Ask a second model the same").check()
    live.page.get_by_label("Second model", exact=True).select_option("gpt-audio-mini")
    live.speak(1.0)
    first, second = live.played(0), live.played(1)
    assert [body["model"] for body in bodies] == ["viva-voce", "gpt-audio-mini"]
    assert bodies[0]["messages"] == bodies[1]["messages"]
    assert first["playedSamples"] == second["playedSamples"] == first["receivedSamples"]
    assert float(second["playedPeak"]) > 0.1
    assert "first sound heard" in live.stages(0)
    assert "first sound heard" not in live.stages(1)
    assert live.answers().nth(1).locator(".first-sound-note").inner_text() == "made; played after the other"
    heard_once = [audio.duration_s for audio in scripted.engines.listener.heard]  # type: ignore[attr-defined]
    assert len(set(heard_once)) == 1


def test_sounds_can_be_played_again_and_taken_home(make_page: MakePage) -> None:
    live, _ = make_page()
    live.speak(1.0)
    data = live.played()
    answer = live.answers()
    seconds = answer.locator("audio").evaluate("audio => audio.duration")
    assert seconds == pytest.approx(int(data["receivedSamples"]) / SPEAK_RATE_HZ, abs=0.01)
    for place, least_s in ((answer, 1.0), (live.page.locator(".question"), 0.5)):
        with live.page.expect_download() as download:
            place.get_by_role("link", name="Download").click()
        file = download.value.path()
        assert download.value.suggested_filename.endswith(".wav")
        content = Path(file).read_bytes()
        assert content[:4] == b"RIFF"
        sound = Audio.from_pcm16(content[44:], SPEAK_RATE_HZ)
        assert sound.duration_s > least_s
        assert np.abs(sound.samples).max() > 0.1


def test_the_copied_command_is_the_request_and_runs(make_page: MakePage) -> None:
    live, _ = make_page()
    live.speak(1.0)
    live.played()
    said = live.answers().locator(".words").inner_text()
    live.answers().get_by_role("button", name="Copy as curl").click()
    expect(live.answers().locator(".copied")).to_contain_text("Copied: the curl command")
    command = live.page.evaluate("navigator.clipboard.readText()")
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("data: {")]
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
    assert "".join((delta.get("audio") or {}).get("transcript", "") for delta in deltas) == said
    assert "data: [DONE]" in done.stdout


def test_the_copied_program_is_the_request_and_runs(make_page: MakePage, tmp_path: Path) -> None:
    live, _ = make_page()
    live.type('He said: "C:\\new\\table" – it\'s $5 ${HOME} `now`.\nUnd auf Deutsch: Straße 日本')
    live.ask()
    live.played()
    said = live.answers().locator(".words").inner_text()
    live.answers().get_by_role("button", name="Copy as Python").click()
    expect(live.answers().locator(".copied")).to_contain_text("Copied: the Python program")
    program = live.page.evaluate("navigator.clipboard.readText()")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, cwd=tmp_path, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == said
    assert (tmp_path / "answer.wav").stat().st_size > 10_000


def test_a_question_of_ours_needs_no_microphone(make_page: MakePage) -> None:
    live, scripted = make_page()
    live.page.get_by_role("button", name="What is the capital of France?").click()
    expect(live.page.locator("#chosen-name")).to_have_text("What is the capital of France?")
    expect(live.page.locator("#chosen-note")).to_have_text(re.compile(r"\d\.\d s"))
    live.ask()
    live.played()
    assert scripted.engines.speaker.spoken[0][0] == "What is the capital of France?"  # type: ignore[attr-defined]
    assert scripted.engines.listener.heard[0].duration_s > 1  # type: ignore[attr-defined]


def test_silence_is_said_to_be_silence(make_page: MakePage) -> None:
    live, _ = make_page()
    live.page.get_by_role("button", name="Three seconds of silence").click()
    expect(live.page.locator("#chosen-note")).to_contain_text("There is no sound in it")
    live.ask()
    expect(live.answers().locator(".heard")).to_contain_text("Nothing was said in it")
    live.played()


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_a_file_is_sent_as_it_is(make_page: MakePage, recording: Path, way: str) -> None:
    live, _ = make_page()
    bodies = _bodies(live.page)
    if way == "chosen":
        live.page.get_by_label("A file …").set_input_files(recording)
    else:
        live.page.evaluate(
            """async () => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(99)], "noise.mp3"));
              document.querySelector("#live").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
            }"""
        )
        expect(live.page.locator("#chosen-note")).to_contain_text("cannot play it")
    expect(live.page.locator("#chosen-name")).to_be_visible()
    live.ask()
    eventually(lambda: bodies)
    part = bodies[0]["messages"][0]["content"][0]["input_audio"]  # type: ignore[index]
    assert part["format"] == ("wav" if way == "chosen" else "mp3")
    expect(live.answers()).to_have_attribute("data-state", re.compile("done|failed"))
