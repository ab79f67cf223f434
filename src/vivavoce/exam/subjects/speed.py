"""`speed`: how soon a spoken question is answered, by first word, first sound and end, as a client meets it."""

from __future__ import annotations

from vivavoce.bench.questions import written_questions
from vivavoce.exam.endpoint import Reply, Request
from vivavoce.exam.items import Item, Sound
from vivavoce.exam.metrics import Middle, Ratio, late
from vivavoce.exam.tasks import Judgement, Sources, Task, content

NAME = "speed"


def pool(sources: Sources) -> list[Item]:
    """The questions of `viva bench speed`, by about how many seconds they take."""
    card = content(NAME)["card"]
    items: list[Item] = []
    for length_s, texts in written_questions().items():
        for number, text in enumerate(texts):
            name = f"{NAME}/{length_s}s-{number}"
            voice = sources.voice("en", name)
            if voice:
                items.append(
                    Item(
                        id=name,
                        task=NAME,
                        group=f"{length_s} s",
                        language="en",
                        ask="",
                        key=None,
                        origin="synthetic",
                        licence=card["licence"],
                        checked_by=card["checked_by"],
                        sound=Sound(text=text, voice=voice),
                        facets={"voice": voice},
                    )
                )
    return items


def request(item: Item) -> Request:
    return Request(system="Answer in three short sentences.", sound=True, max_tokens=300)


def score(item: Item, reply: Reply) -> Judgement:
    """Seconds from the request; unscored where no sound came, which is no speed at all."""
    if reply.first_sound_s is None:
        return Judgement(None, unscored="the answer held no sound")
    values = {"first_sound_s": round(reply.first_sound_s, 3), "end_s": round(reply.seconds, 3)}
    if reply.first_text_s is not None:
        values["first_text_s"] = round(reply.first_text_s, 3)
    return Judgement(values)


TASK = Task(
    name=NAME,
    pool=pool,
    modes=("spoken",),
    score=score,
    headline=Ratio(
        "first_sound", "mean wait for the first sound", "first_sound_s", better="lower", unit="s", scale=1.0
    ),
    metrics=(
        Middle("first_sound_median", "median wait for the first sound", "first_sound_s", better="lower"),
        late("first_sound_p95", "95th percentile of the wait for the first sound", "first_sound_s"),
        Middle("first_text", "median wait for the first word", "first_text_s", better="lower"),
        Middle("end", "median wait for the end", "end_s", better="lower"),
    ),
    request=request,
    streams=True,
)
