"""One ledger, several processes: opened, written and collected at once, nothing lost, one secret."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.replies import KeptReply

WRITER = """
import sys, time
from pathlib import Path
from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.replies import KeptReply

folder, name = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
ledger = Ledger(folder)
owner = ledger.owner("anna")
for number in range(40):
    over = number % 4 == 3
    expires_at = int(time.time()) + (-1 if over else 1000)
    ledger.replies.keep(owner, f"{name}_{number}", KeptReply(name, "wav"), name.encode() * 500, expires_at=expires_at)
    if number % 10 == 9:
        ledger.collect_garbage()
ledger.close()
"""


def test_processes_write_and_collect_at_once(tmp_path: Path) -> None:
    """They also make the folder, the secret and the tables at the same instant."""
    names = ("first", "second", "third")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "state"), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _, said = writer.communicate(timeout=60)
        assert writer.returncode == 0, said
    ledger = Ledger(tmp_path / "state")
    ledger.collect_garbage()
    owner = ledger.owner("anna")
    for name in names:
        for number in range(40):
            found = ledger.replies.find(owner, f"{name}_{number}"), ledger.replies.sound(owner, f"{name}_{number}")
            lives = number % 4 != 3
            assert found == ((KeptReply(name, "wav"), name.encode() * 500) if lives else (None, None))
    assert len(list((tmp_path / "state" / "sounds").iterdir())) == 90
    ledger.close()


def test_many_threads_write_at_once(tmp_path: Path) -> None:
    ledgers = [Ledger(tmp_path) for _ in range(4)]
    owner = ledgers[0].owner("")

    def keep(number: int) -> None:
        reply = KeptReply(str(number), "wav")
        ledgers[number % 4].replies.keep(owner, f"audio_{number}", reply, b"", expires_at=99_999_999_999)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(80)))
    found = [ledgers[0].replies.find(owner, f"audio_{number}") for number in range(80)]
    assert [reply.transcript for reply in found if reply] == [str(number) for number in range(80)]
    for ledger in ledgers:
        ledger.close()


FULL = """
import resource, sys
from pathlib import Path
from vivavoce.errors import StorageFailed
from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.replies import KeptReply

ledger = Ledger(Path(sys.argv[1]))
owner, words = ledger.owner(""), KeptReply("words", "wav")
ledger.replies.keep(owner, "before", words, b"", expires_at=99_999_999_999)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
for name, sound, reply in (("sound", b"x" * 300_000, words), ("row", b"", KeptReply("x" * 300_000, "wav"))):
    try:
        ledger.replies.keep(owner, name, reply, sound, expires_at=99_999_999_999)
    except StorageFailed as error:
        print(name, ledger.replies.find(owner, name), error.message)
print(ledger.replies.find(owner, "before").transcript)
"""


def test_no_room_on_the_disk_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    """The system refuses to let any file grow over a limit, in the sound's file and in the database's log."""
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    sound, row, before = done.stdout.splitlines()
    assert sound.startswith("sound None The ledger cannot be written: File too large.")
    assert row.startswith("row None The ledger cannot be written: ")
    assert "VIVA_DATA_DIR" in row
    assert before == "words"
    assert len(list((tmp_path / "sounds").iterdir())) == 1
