"""A book chapter of our own, as long as wanted: plain sentences put together from parts, hardly one like another."""

from __future__ import annotations

import random

WHEN = (
    "In the morning",
    "Before the rain came",
    "Late in the evening",
    "On the second day",
    "When the market had closed",
    "After a long silence",
    "While the soup was cooking",
    "As soon as it was light",
    "At the end of the week",
    "Not long after dinner",
)
WHO = (
    "the captain",
    "my grandmother",
    "the young doctor",
    "a man from the village",
    "the gardener",
    "her older brother",
    "the teacher",
    "an old friend of ours",
    "the baker's daughter",
    "one of the sailors",
)
DID = (
    "opened the window",
    "walked down to the river",
    "wrote a long letter",
    "counted the boats in the harbour",
    "put the lamp on the table",
    "looked for the silver key",
    "told the story of the winter",
    "carried the basket up the hill",
    "closed the heavy door",
    "asked for a glass of water",
)
AND = (
    "and nobody said a word",
    "and the dog followed without a sound",
    "because the road to the north was closed",
    "although there was little time left",
    "and the children laughed in the garden",
    "so that everyone could hear the bells",
    "and the wind turned to the west",
    "while the others waited by the fire",
    "and that was how the summer ended",
    "but the house remained dark",
)
SAID = (
    '"We should leave tomorrow," said the captain.',
    '"Is there any bread?" asked the boy.',
    "It was colder than the year before.",
    "Nobody remembered who had built the bridge.",
    "The train from the city was late again.",
    '"I have never seen so many birds," she whispered.',
)
PARAGRAPH = 6
"""Sentences."""


def chapter(characters: int) -> str:
    """At least so many characters of prose in paragraphs; the same each time."""
    draw = random.Random(5)
    paragraphs: list[str] = []
    while sum(len(each) + 2 for each in paragraphs) < characters:
        sentences = [
            f"{draw.choice(WHEN)}, {draw.choice(WHO)} {draw.choice(DID)}, {draw.choice(AND)}." for _ in range(PARAGRAPH)
        ]
        sentences.insert(draw.randrange(PARAGRAPH), draw.choice(SAID))
        paragraphs.append(" ".join(sentences))
    return "\n\n".join(paragraphs)
