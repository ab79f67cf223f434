"""Which embeddings are of the same voice: agglomerative clustering by average likeness, with the count unknown.

Knows no sound and no time; works on vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

BLOCK = 768
"""More rows than this are merged in blocks first: work and memory grow with the square of their number."""

_SURE = 0.15
"""How much more alike than at the end two clusters of a block must be, so that the merging is safe."""

_GONE = -9.0
"""Marks what is no cluster any more: less than any likeness."""


def unit(vectors: Matrix) -> Matrix:
    """Each row brought to length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


@dataclass(frozen=True, slots=True)
class Leniency:
    """How much less alike a cluster of little weight need be to be joined: `most` if it weighs nothing, a third of that
    if it weighs `little`, hardly anything if it weighs much. Of a few rows one knows little, and few clusters are
    likelier than many."""

    most: float
    little: float

    def __call__(self, weights: Vector) -> Vector:
        return (self.most * np.exp(-weights / self.little)).astype(np.float32)


STRICT = Leniency(0.0, 1.0)


def clustered(
    rows: Matrix, weights: Vector, alike: float, count: int | None = None, lenient: Leniency = STRICT
) -> Labels:
    """A label for each row, from 0 on. Clusters are joined, the most alike first, while they are `alike`, or until
    there are `count`.

    rows: unit vectors, shape (n, d). weights: how much each says, shape (n,). How alike two clusters are is the mean
    cosine over all pairs of their rows, by weight, and what is `lenient` with the lighter of them.
    """
    labels = np.arange(len(rows))
    means, masses = rows, weights
    while len(means) > BLOCK:
        found = _in_blocks(means, masses, alike + _SURE)
        means, masses = _means(means, masses, found)
        labels = found[labels]
        if len(means) == len(found):
            break
    return _joined(means, masses, alike, lenient, count)[labels]


def _in_blocks(means: Matrix, masses: Vector, alike: float) -> Labels:
    found = np.zeros(len(means), np.int64)
    total = 0
    for start in range(0, len(means), BLOCK):
        block = slice(start, start + BLOCK)
        found[block] = total + _joined(means[block], masses[block], alike, STRICT)
        total = int(found[block].max()) + 1
    return found


def _joined(means: Matrix, masses: Vector, alike: float, lenient: Leniency, count: int | None = None) -> Labels:
    """The mean cosine over all pairs of two clusters is the dot product of their means, which are therefore kept as
    they are, not brought to length 1."""
    labels = np.arange(len(means))
    means, masses = means.copy(), masses.astype(np.float32).copy()
    likeness = means @ means.T + lenient(np.minimum.outer(masses, masses))
    np.fill_diagonal(likeness, _GONE)
    left = len(means)
    while left > (count or 1):
        first, second = divmod(int(likeness.argmax()), len(means))
        if likeness[first, second] < alike and count is None:
            break
        share = masses[second] / (masses[first] + masses[second])
        means[first] += (means[second] - means[first]) * share
        masses[first] += masses[second]
        labels[labels == second] = first
        closeness = means @ means[first] + lenient(np.minimum(masses, masses[first]))
        row = np.where(likeness[first] == _GONE, _GONE, closeness)
        row[second] = _GONE
        likeness[first], likeness[:, first] = row, row
        likeness[second], likeness[:, second] = _GONE, _GONE
        left -= 1
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _means(rows: Matrix, weights: Vector, labels: Labels) -> tuple[Matrix, Vector]:
    masses = np.bincount(labels, weights).astype(np.float32)
    return weighted_sums(rows, weights, labels, len(masses)) / masses[:, None], masses


def weighted_sums(rows: Matrix, weights: Vector, labels: Labels, count: int) -> Matrix:
    """Of the rows with each label, shape (count, d)."""
    sums = np.zeros((count, rows.shape[1]), np.float32)
    np.add.at(sums, labels, rows * weights[:, None])
    return sums
