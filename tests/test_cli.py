"""The command line as a person meets it: help, one-sentence errors, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTED = {
    "VIVA_LISTEN": "scripted:what is two plus two",
    "VIVA_THINK": "scripted:Four. It has always been four.",
    "VIVA_SPEAK": "scripted:hum",
}


def viva(*words: str, folder: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VIVA_")}
    environment = kept | {"VIVA_DATA_DIR": str(folder), "COLUMNS": "200"} | extra
    return subprocess.run(
        [sys.executable, "-m", "vivavoce.cli", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("serve",),
        ("ask",),
        ("speak",),
        ("models",),
        ("models", "pull"),
        ("models", "rm"),
        ("doctor",),
        ("bench",),
        ("bench", "listening"),
        ("bench", "transcribe"),
        ("bench", "languages"),
        ("exam",),
        ("exam", "run"),
        ("exam", "compare"),
        ("probe",),
        ("probe", "run"),
        ("probe", "report"),
    ],
)
def test_every_command_explains_itself(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = viva(*words, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert "Usage: " in done.stdout
    assert len(done.stdout.splitlines()) > 4


def test_version(tmp_path: Path) -> None:
    assert viva("--version", folder=tmp_path).stdout.startswith("viva 0.")


def test_ask_answers_a_recording_and_writes_the_sound(tmp_path: Path) -> None:
    spoke = viva("speak", "Two plus two?", "-o", "question.mp3", folder=tmp_path, **SCRIPTED)
    assert spoke.returncode == 0, spoke.stderr
    done = viva("ask", "question.mp3", "-o", "answer.wav", folder=tmp_path, **SCRIPTED)
    assert done.returncode == 0, done.stderr
    assert "what is two plus two" in done.stdout
    assert "Four. It has always been four." in done.stdout
    assert "tokens" in done.stdout
    assert (tmp_path / "answer.wav").read_bytes()[:4] == b"RIFF"


def test_text_only_writes_nothing(tmp_path: Path) -> None:
    viva("speak", "Two?", "-o", "question.wav", folder=tmp_path, **SCRIPTED)
    done = viva("ask", "question.wav", "--text-only", folder=tmp_path, **SCRIPTED)
    assert "Four." in done.stdout
    assert not (tmp_path / "answer.wav").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ask", "nowhere.mp3"), "Cannot read nowhere.mp3"),
        (("ask", "notes.txt"), "no audio format"),
        (("speak", "hi", "-o", "hi.midi"), "Cannot write '.midi'"),
        (("speak", "hi", "--voice", "gandalf"), "'gandalf'"),
        (("speak", "…"), "nothing in this text"),
        (("models", "pull", "gpt-5"), "gpt-5"),
        (("models", "show", "gpt-5"), "gpt-5"),
        (("models", "rm", "whisper-base", "gpt-5"), "gpt-5"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_2(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "notes.txt").write_text("no sound at all")
    done = viva(*words, folder=tmp_path, **SCRIPTED)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_missing_weights_name_the_cure(tmp_path: Path) -> None:
    done = viva("serve", folder=tmp_path, VIVA_MODELS_DIR=str(tmp_path / "none"), VIVA_OFFLINE="1")
    assert done.returncode == 1
    assert "viva models pull whisper-base" in done.stderr


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = viva("serve", "--port", str(taken.getsockname()[1]), folder=tmp_path, **SCRIPTED)
    assert done.returncode == 2
    assert "Cannot listen on" in done.stderr


def test_models_are_listed(tmp_path: Path) -> None:
    done = viva("models", "list", folder=tmp_path, VIVA_MODELS_DIR=str(tmp_path / "none"))
    assert done.returncode == 0
    assert "whisper-base" in done.stdout
    assert "Apache-2.0" in done.stdout


def test_a_model_is_shown_with_its_terms_and_hashes(tmp_path: Path) -> None:
    done = viva("models", "show", "llama-3.1-8b-instruct", folder=tmp_path, VIVA_MODELS_DIR=str(tmp_path / "none"))
    assert done.returncode == 0
    assert "Built with Llama" in done.stdout and "Meta" in done.stdout
    assert "7b064f5842bf9532c91456deda288a1b672397a54fa729aa665952863033557c" in done.stdout


def test_weights_with_terms_wait_for_nobody_without_a_terminal(tmp_path: Path) -> None:
    done = viva("models", "pull", "llama-3.1-8b-instruct", folder=tmp_path, VIVA_MODELS_DIR=str(tmp_path / "none"))
    assert done.returncode == 1
    assert "Llama 3.1 Community licence" in done.stderr and "--accept-licence" in done.stderr
    allowed = {"VIVA_MODELS_DIR": str(tmp_path / "none"), "VIVA_OFFLINE": "1", "VIVA_ACCEPT_LICENCE": "1"}
    done = viva("models", "pull", "llama-3.1-8b-instruct", folder=tmp_path, **allowed)
    assert done.returncode == 1
    assert "VIVA_OFFLINE" in done.stderr, "past the licence, the next obstacle is named"


def test_models_are_removed_and_the_room_is_told(tmp_path: Path) -> None:
    where = {"VIVA_MODELS_DIR": str(tmp_path / "weights"), "VIVA_PROFILE": "tiny"}
    for name in ("whisper-base", "whisper-tiny", ".partial/kokoro-82m"):
        (tmp_path / "weights" / name).mkdir(parents=True)
        (tmp_path / "weights" / name / "model.bin").write_bytes(bytes(2_000_000))
    listed = json.loads(viva("models", "list", "--json", folder=tmp_path, **where).stdout)
    assert {one["name"]: one["disk_bytes"] for one in listed if one["disk_bytes"]} == {
        "whisper-base": 2_000_000,
        "whisper-tiny": 2_000_000,
    }
    done = viva("models", "rm", "--unused", folder=tmp_path, **where)
    assert done.returncode == 0 and "whisper-base: 2 MB freed" in done.stdout and "whisper-tiny" not in done.stdout
    done = viva("models", "rm", "--partial", folder=tmp_path, **where)
    assert "kokoro-82m: 2 MB of an unfinished pull freed" in done.stdout
    done = viva("models", "rm", "whisper-tiny", "smollm2-135m", folder=tmp_path, **where)
    assert "whisper-tiny: 2 MB freed" in done.stdout and "smollm2-135m: was not here" in done.stdout
    assert viva("models", "rm", folder=tmp_path, **where).returncode == 2


def test_the_doctor_says_what_is_there_and_what_is_missing(tmp_path: Path) -> None:
    where = {"VIVA_MODELS_DIR": str(tmp_path / "none"), "VIVA_DEVICE": "cpu"}
    done = viva("doctor", "--profile", "tiny", folder=tmp_path, **where)
    assert done.returncode == 1
    assert "CTranslate2" in done.stdout and "would run: listen cpu int8, think cpu, speak cpu" in done.stdout
    assert "viva models pull whisper-tiny" in done.stdout
    assert viva("doctor", folder=tmp_path, **SCRIPTED).returncode == 0
