"""Progress that never falls, and complaints without addresses."""

from __future__ import annotations

import pytest

from vivavoce.models.sources import Meter, PullProgress, scrub


def test_progress_never_falls_and_ends_at_the_total():
    seen: list[PullProgress] = []
    meter = Meter("m", seen.append)
    meter.expect(100)
    meter.use("hub")
    meter.hint(60)
    meter.use("package")
    meter.hint(30)
    meter.settle(50)
    meter.hint(70)
    meter.settle(50)
    shown = [moment.done_bytes for moment in seen]
    assert shown == sorted(shown) and shown[0] == 60 and shown[-1] == 100
    assert seen[-1].source == "package" and {moment.total_bytes for moment in seen} == {100}


@pytest.mark.parametrize(
    "complaint",
    [
        "Could not fetch https://user:secret@index.inside.example/simple/p/ (404)",
        "HTTPSConnectionPool(host='secret.inside.example', port=443): Max retries exceeded",
        "connect ECONNREFUSED 10.1.2.3:4873 secret.inside.example:4873",
        "git+ssh://secret.example/x failed",
    ],
)
def test_addresses_are_taken_out_of_complaints(complaint: str):
    cleaned = scrub(complaint)
    assert not any(piece in cleaned for piece in ("secret", "inside", "10.1.2.3", "//"))
    assert "[address]" in cleaned
