"""A turn's answers, whole: gathered from its events, for an answer that is not streamed, and for one that is stored.

Knows no route.
"""

from __future__ import annotations

from vivavoce.server.wire.chat_response import Answer
from vivavoce.turn import Called, Event, Finished, PartHeard, Read, Thought


class Gathered:
    """`answers` has one entry per choice; `finished` is None until the turn is."""

    def __init__(self, choices: int) -> None:
        self.answers = [Answer() for _ in range(choices)]
        self.heard: list[PartHeard] = []
        self.finished: Finished | None = None

    def feed(self, happened: Event) -> None:
        """Take the next event. Sound is not gathered."""
        match happened:
            case PartHeard():
                self.heard.append(happened)
            case Thought():
                self.answers[happened.choice].text += happened.text
                self.answers[happened.choice].logprobs += happened.logprobs
            case Called():
                self.answers[happened.choice].calls.feed(happened)
            case Read():
                self.answers[0].read += happened.text
            case Finished():
                self.finished = happened
                for answer, reason in zip(self.answers, happened.finish_reasons, strict=True):
                    answer.finish_reason = reason
            case _:
                pass

    @property
    def called_only(self) -> bool:
        """Whether the first answer is calls and nothing else: then there is nothing to hear."""
        return bool(self.answers[0].calls.whole) and not self.answers[0].text
