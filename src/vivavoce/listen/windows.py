"""Where to cut a recording: speech probabilities -> windows of speech, split at pauses, sized to the speech.

Pure: knows no network and no model, only probabilities per frame and times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import ceil

import numpy as np
import numpy.typing as npt

from vivavoce.listen.base import Chunking

SHORTEST_PAUSE_S = 0.1
"""Less silence than this lies inside words."""


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """How windows are cut and padded; all in seconds but the probabilities.

    speech_probability: a frame at least this likely starts speech. silence_probability: speech goes on until frames
    fall below. gap_s: silence of this length ends a window. max_s: longest window; longer speech is cut at its best
    pause. margin_s: sound kept on both sides of speech. min_encoder_s: shortest sound the encoder is shown.
    trailing_s: least silence after the sound in the encoder's window. full_s: the window that Whisper was trained on,
    the last resort.
    """

    speech_probability: float = 0.3
    silence_probability: float = 0.15
    gap_s: float = 2.0
    max_s: float = 15.0
    margin_s: float = 0.5
    min_encoder_s: float = 10.0
    trailing_s: float = 1.0
    full_s: float = 30.0


def chunked(policy: WindowPolicy, chunking: Chunking) -> WindowPolicy:
    """`policy` with what the caller knows better; probabilities keep their proportion, and margins never meet."""
    threshold = policy.speech_probability if chunking.threshold is None else chunking.threshold
    gap_s = policy.gap_s if chunking.silence_s is None else max(SHORTEST_PAUSE_S, chunking.silence_s)
    margin_s = policy.margin_s if chunking.padding_s is None else chunking.padding_s
    return replace(
        policy,
        speech_probability=threshold,
        silence_probability=policy.silence_probability * threshold / policy.speech_probability,
        gap_s=gap_s,
        margin_s=min(margin_s, gap_s / 2),
    )


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the recording to hear at once, margins included.

    peak: the highest speech probability in it. speech_start_s, speech_end_s: where voice activity begins and ends.
    pauses: (start, end) of stretches between those two in which nobody speaks.
    """

    start_s: float
    end_s: float
    peak: float
    speech_start_s: float
    speech_end_s: float
    pauses: tuple[tuple[float, float], ...] = ()

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    def parted(self, cuts_s: Sequence[float]) -> list[Window]:
        """The windows between `cuts_s`, ascending times within the speech, each taken to be as clear as the whole."""
        edges_s = [self.start_s, *cuts_s, self.end_s]
        return [self._between(start_s, end_s) for start_s, end_s in pairwise(edges_s)]

    def _between(self, start_s: float, end_s: float) -> Window:
        inside = [(max(a, start_s), min(b, end_s)) for a, b in self.pauses if b > start_s and a < end_s]
        speech_start_s, speech_end_s = max(start_s, self.speech_start_s), min(end_s, self.speech_end_s)
        if inside and inside[0][0] <= speech_start_s:
            speech_start_s = inside.pop(0)[1]
        if inside and inside[-1][1] >= speech_end_s:
            speech_end_s = inside.pop()[0]
        return Window(start_s, end_s, self.peak, speech_start_s, speech_end_s, tuple(inside))


def encoder_s(duration_s: float, policy: WindowPolicy, step_s: float = 0.0) -> float:
    """Seconds that the encoder is shown for `duration_s` of sound: at least the minimum, at most the full window.

    step_s: rounded up to a multiple of this, so that windows of about the same length become equal; 0 for as it is.
    """
    wanted_s = max(policy.min_encoder_s, duration_s + policy.trailing_s)
    return min(policy.full_s, ceil(wanted_s / step_s) * step_s if step_s else wanted_s)


def pauses_in(probabilities: Iterable[float], threshold: float, least: int) -> list[tuple[int, int]]:
    """(first, end) of the stretches of at least `least` frames that are below the threshold."""
    found: list[tuple[int, int]] = []
    first, end = 0, 0
    for end, probability in enumerate(probabilities, 1):
        if probability >= threshold:
            if end - 1 - first >= least:
                found.append((first, end - 1))
            first = end
    return [*found, (first, end)] if end - first >= least else found


def best_cut(probabilities: npt.NDArray[np.float32], first: int, last: int, width: int) -> int:
    """The frame in [first, last) in the middle of the quietest `width` frames; the latest of equals.

    A long pause scores lower than a short one, and speech without any pause is cut where it is least like speech.
    """
    kernel = np.ones(width) / width
    smooth = np.convolve(probabilities, kernel, mode="same")[first:last]
    # Rounded so that differences that mean nothing don't pull the cut towards the start.
    reverse = np.round(smooth[::-1], 2)
    return last - 1 - int(np.argmin(reverse))


@dataclass(slots=True)
class WindowPlanner:
    """Feeds on speech probabilities and hands out windows as soon as they are certain.

    Keeps only the frames of the window being gathered: memory does not grow with the recording.
    """

    policy: WindowPolicy
    frame_s: float
    _position: int = 0
    _start: int | None = None
    _pending: list[float] = field(default_factory=list[float])
    _quiet: int = 0
    _last_end_s: float = 0.0

    def feed(self, probabilities: Iterable[float]) -> list[Window]:
        """Take the next frames; return the windows that they complete."""
        done: list[Window] = []
        for probability in probabilities:
            self._position += 1
            if self._start is None:
                if probability >= self.policy.speech_probability:
                    self._start, self._pending, self._quiet = self._position - 1, [probability], 0
                continue
            self._pending.append(probability)
            self._quiet = self._quiet + 1 if probability < self.policy.silence_probability else 0
            if self._quiet * self.frame_s >= self.policy.gap_s:
                done.append(self._close(len(self._pending) - self._quiet))
                self._start, self._pending, self._quiet = None, [], 0
            elif len(self._pending) * self.frame_s >= self.policy.max_s - 2 * self.policy.margin_s:
                done.append(self._split())
        return done

    def finish(self) -> list[Window]:
        """The window that the end of the recording closes, if any."""
        if self._start is None:
            return []
        window = self._close(len(self._pending) - self._quiet)
        self._start, self._pending, self._quiet = None, [], 0
        return [window]

    def _split(self) -> Window:
        """Cut the gathered frames at their best pause in the second half; the rest opens the next window."""
        frames = np.asarray(self._pending, np.float32)
        cut = best_cut(frames, len(frames) // 2, len(frames), max(1, round(0.3 / self.frame_s)))
        start = self._start or 0
        window = self._window(start, self._pending[:cut], after_s=0.0)
        self._start, self._pending = start + cut, self._pending[cut:]
        self._quiet = min(self._quiet, len(self._pending))
        return window

    def _close(self, frames: int) -> Window:
        return self._window(self._start or 0, self._pending[:frames], after_s=self.policy.margin_s)

    def _window(self, first: int, probabilities: Sequence[float], after_s: float) -> Window:
        """Add the margins, but never overlap the window before. first: the frame with which `probabilities` begin."""
        last = first + len(probabilities)
        start_s = max(self._last_end_s, first * self.frame_s - self.policy.margin_s)
        end_s = last * self.frame_s + after_s
        self._last_end_s = end_s
        pauses = pauses_in(probabilities, self.policy.speech_probability, round(SHORTEST_PAUSE_S / self.frame_s))
        return Window(
            start_s,
            end_s,
            max(probabilities, default=0.0),
            first * self.frame_s,
            last * self.frame_s,
            tuple(((first + begin) * self.frame_s, (first + end) * self.frame_s) for begin, end in pauses),
        )
