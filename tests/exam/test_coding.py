"""`speech-to-code`: every hidden test can be passed, wrong programs fail, and none does anything but compute."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from code_solutions import SOLUTIONS

from vivavoce.exam import sandbox
from vivavoce.exam.endpoint import Reply
from vivavoce.exam.items import Item
from vivavoce.exam.subjects.coding import TASK, same
from vivavoce.exam.tasks import Sources

pytestmark = pytest.mark.skipif(not sandbox.available(), reason="programs are locked in on Linux (x86_64) only")

ITEMS = {item.id.rpartition("/")[2]: item for item in TASK.pool(Sources(("espeak-ng:en-us+m3",)))}


def judged(item: Item, code: str) -> dict[str, float]:
    found = TASK.score(item, Reply(f"Here it is:\n```python\n{code}\n```\nHave fun.", 1.0))
    assert found.values is not None
    return dict(found.values)


@pytest.mark.slow
def test_a_solution_of_each_item_passes_its_hidden_tests() -> None:
    assert SOLUTIONS.keys() == ITEMS.keys()
    assert len(ITEMS) >= 60
    failing = [name for name, item in ITEMS.items() if judged(item, SOLUTIONS[name])["right"] != 1.0]
    assert failing == []


@pytest.mark.slow
def test_tests_tell_solutions_apart() -> None:
    """No item is passed by the solution of another, nor by one that gives back what it takes."""
    names = list(ITEMS)
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        assert judged(ITEMS[name], SOLUTIONS[other])["right"] == 0.0, name
        assert judged(ITEMS[name], "def solve(x, *more):\n    return x")["right"] == 0.0, name


@pytest.mark.parametrize(
    "code", ["", "nonsense here", "def other(): pass", "import os\nos._exit(0)", "raise SystemExit"]
)
def test_what_is_no_program_is_wrong_and_no_error(code: str) -> None:
    assert judged(ITEMS["gcd-of-list"], code) == {"right": 0.0, "passed": 0.0, "tests": 3.0}


def run(body: str) -> dict[str, object]:
    outcome = sandbox.call(f"def solve():\n    {body}", "solve", [[]])
    assert outcome.fault == ""
    return outcome.results[0]


def test_what_computes_is_let_through() -> None:
    assert run("import math, re, heapq, datetime; print('aside'); return [math.floor(2.5), {'a': (1, 2)}]") == {
        "value": [2, {"a": [1, 2]}]
    }


FILE = "/tmp/viva-exam-must-not-be"


@pytest.mark.parametrize(
    "body",
    [
        "__import__('socket').socket()",
        "__import__('socket').create_connection(('127.0.0.1', 9))",
        f"open('{FILE}', 'w')",
        f"open('{FILE}', 'a')",
        f"__import__('os').mkdir('{FILE}')",
        "__import__('os').remove('/etc/hostname')",
        "__import__('os').kill(1, 0)",
        "__import__('os').fork()",
        "__import__('os').execv('/bin/ls', ['ls'])",
        "__import__('subprocess').run(['ls'])",
        "__import__('resource').setrlimit(0, (9, 9))",
    ],
)
def test_what_reaches_out_is_refused(body: str) -> None:
    assert run(f"{body}; return 'done'") in (
        {"error": "PermissionError"},
        {"error": "OSError"},
        {"error": "ValueError"},
    )
    assert not Path(FILE).exists()


def test_it_gets_no_environment_and_an_empty_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "sk-secret" not in str(run("import os; return [dict(os.environ), os.listdir('.')]"))
    assert run("import os; return os.listdir('.')") == {"value": []}


def test_memory_is_bounded() -> None:
    assert run("return len('a' * 10**9)") == {"error": "MemoryError"}


@pytest.mark.slow
def test_what_never_ends_is_ended() -> None:
    started_s = time.monotonic()
    outcome = sandbox.call("def solve():\n    while True: pass", "solve", [[]])
    assert outcome.fault
    assert time.monotonic() - started_s < sandbox.WITHIN_S + 5


@pytest.mark.parametrize(
    ("given", "wanted", "alike"),
    [
        (1, 1.0, True),
        (0.1 + 0.2, 0.3, True),
        (True, 1, False),
        (1, True, False),
        ([1, [2]], [1, [2]], True),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"b": 1}, False),
        ("1", 1, False),
        (None, None, True),
        (None, 0, False),
    ],
)
def test_values_are_compared_as_json(given: object, wanted: object, alike: bool) -> None:
    assert same(given, wanted) is alike
