"""Bytes of any supported container to mono `Audio`, in memory.

The container is told from the bytes (`sniff`), opened with one named demuxer out of a fixed list, and may
open nothing else: no file, no URL, no playlist. Only samples without any container are known by their label.
Duration is limited on what is decoded, while it is decoded.
Synchronous; PyAV and soxr do the work outside the interpreter lock, so callers run it in a thread. Knows no
base64, no HTTP and no price. Decisions behind it: docs/decisions/0003-decoding-in-memory.md.
"""

from __future__ import annotations

import io
import math
from collections.abc import Generator, Iterator
from typing import BinaryIO

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from vivavoce.audio import LISTEN_RATE_HZ, SPEAK_RATE_HZ, Audio, Samples
from vivavoce.codec.sniff import DEMUXERS, HostileFileError, refuse_hostile_mp4, sniff
from vivavoce.errors import AudioTooLong, InvalidValue, UnsupportedFormat
from vivavoce.resampling import Resampler

MAX_DURATION_S = 3600.0
"""Default limit on decoded sound: an hour is 230 MB at the listening rate."""

SUPPORTED = (
    "wav, mp3, flac, ogg (opus, vorbis), m4a/mp4 (aac, alac), aac, webm, "
    "and 16-bit 24 kHz mono samples where they are labelled 'pcm16'"
)
RAW_LABELS = ("pcm16", "pcm")
"""What senders call signed 16-bit little-endian samples, 24 kHz, mono, without a header."""

_MIN_RATE_HZ, _MAX_RATE_HZ = 1_000, 768_000
_MAX_CHANNELS = 64
MOST_SPEAKER_CHANNELS = 8
"""Each of a call's speakers may have a channel of their own, up to this many."""

_PROBE_BYTES = 1_000_000
_BLOCK_S = 1.0
"""Decoded frames are gathered into blocks of this length before resampling: fewer calls, little memory."""

_CRUMBS = (2_000, 800)
"""How many packets or frames are taken: so many, and so many per second of sound (Opus at its finest has 400)."""

_OPTIONS = {
    "protocol_whitelist": "",
    "format_whitelist": ",".join(DEMUXERS),
    "probesize": str(_PROBE_BYTES),
    "analyzeduration": "2000000",
    "max_streams": "32",
}
_WAV_OPTIONS = {"probesize": "2048", "max_size": "32768"}
"""A WAV's header says what it holds: given more, FFmpeg looks through its samples for a DTS stream, 4 ms a file. Large
packets cost fewer steps."""

_PCM = ("pcm_", "adpcm_ms", "adpcm_ima_wav")
_CODECS = ("mp3", "mp3float", "aac", "flac", "opus", "libopus", "vorbis", "libvorbis", "alac")


def decode(
    data: bytes,
    *,
    param: str | None = None,
    rate_hz: int = LISTEN_RATE_HZ,
    max_duration_s: float = MAX_DURATION_S,
    declared: str | None = None,
    channel: int | None = None,
) -> Audio:
    """The first sound track of `data`, channels averaged to mono (or `channel` alone, from 0 on), at `rate_hz`, clipped
    to [-1, 1].

    `param` is the path of the field that `data` came from and `declared` what its sender calls it; both only
    make better error messages, except that `declared` may be one of `RAW_LABELS`: what is then no container is
    taken as samples. A damaged recording yields what can be decoded of it, if that is half of it. Samples that are
    no number become 0. Length: floor(decoded samples * rate_hz / their rate), encoder delay and padding left out
    where the container records them. Raises `UnsupportedFormat` (nothing decodable) and `AudioTooLong`.
    """
    if not data:
        raise UnsupportedFormat("The audio is empty: no bytes were sent.", param=param)
    maybe_raw = (declared or "").lower() in RAW_LABELS
    container = sniff(data, maybe_raw=maybe_raw)
    if container is None and maybe_raw:
        return _raw(data, rate_hz, max_duration_s, param)
    if container is None:
        raise UnsupportedFormat(_unknown(declared), param=param)
    body = data[container.offset :]
    try:
        if container.demuxer.startswith("mov"):
            refuse_hostile_mp4(body)
        with _open(io.BytesIO(body), container.demuxer) as source:
            _refuse_too_long(source, _track(source), max_duration_s, param)
        parts = sound_blocks(
            io.BytesIO(body),
            container.demuxer,
            rate_hz=rate_hz,
            max_duration_s=max_duration_s,
            param=param,
            channel=channel,
        )
        audio = Audio(_join(list(parts)), rate_hz)
    except HostileFileError as error:
        raise UnsupportedFormat(f"The audio file is refused: {error}.", param=param) from error
    except (av.error.FFmpegError, UnreadableError, ValueError) as error:  # PyAV's own refusals are ValueErrors
        name = container.demuxer.split(",")[0]
        raise UnsupportedFormat(
            f"The audio looks like {name} but cannot be decoded ({str(error).rstrip('.')}).", param=param
        ) from error
    return _not_empty(audio, param)


def sound_blocks(
    file: BinaryIO,
    demuxer: str,
    *,
    rate_hz: int = LISTEN_RATE_HZ,
    max_duration_s: float = math.inf,
    param: str | None = None,
    channel: int | None = None,
) -> Generator[Samples, None, None]:
    """The sound of `file`, as `decode` has it but for clipping, in blocks of about a second, each decoded when it is
    asked for. Raises `AudioTooLong`, `UnreadableError`, and what PyAV raises."""
    with _open(file, demuxer) as source:
        track = _track(source)
        frames = _without_padding(_mono_frames(_frames(source, track), channel), _stated_s(source, track))
        yield from _at_rate(_blocks(frames), rate_hz, max_duration_s, param)


def about_track(file: BinaryIO, demuxer: str) -> tuple[float | None, int]:
    """What a container says of its sound: seconds, None where it does not say, and channels. Raises as above."""
    with _open(file, demuxer) as source:
        seconds = None if source.duration is None else source.duration / av.time_base
        return seconds, _track(source).codec_context.layout.nb_channels


def decode_channels(data: bytes, *, param: str | None = None, max_duration_s: float = MAX_DURATION_S) -> list[Audio]:
    """Each channel of the first sound track by itself, as `decode` makes it. Raises as it does, and `InvalidValue`
    where there is one channel only, or more than MOST_SPEAKER_CHANNELS."""
    first = decode(data, param=param, max_duration_s=max_duration_s, channel=0)
    count = 1
    if (container := sniff(data)) is not None:
        _, count = about_track(io.BytesIO(data[container.offset :]), container.demuxer)
    if not 1 < count <= MOST_SPEAKER_CHANNELS:
        raise InvalidValue(
            f"The audio has {count} channel(s): to take each for a speaker there must be 2 to {MOST_SPEAKER_CHANNELS}.",
            param="channels",
        )
    rest = range(1, count)
    return [first, *(decode(data, param=param, max_duration_s=max_duration_s, channel=each) for each in rest)]


def _raw(data: bytes, rate_hz: int, max_duration_s: float, param: str | None) -> Audio:
    samples = Audio.from_pcm16(data, SPEAK_RATE_HZ).samples
    parts = _at_rate(iter([(samples, SPEAK_RATE_HZ)]), rate_hz, max_duration_s, param)
    return _not_empty(Audio(_join(list(parts)), rate_hz), param)


def _not_empty(audio: Audio, param: str | None) -> Audio:
    if not len(audio.samples):
        raise UnsupportedFormat("The audio holds no samples: it is empty or cut off too early.", param=param)
    return audio


class UnreadableError(Exception):
    """The container opens, but holds nothing that we decode; the message says why, in brackets."""


def _unknown(declared: str | None) -> str:
    called = f" It is labelled {declared!r}, but its bytes say otherwise." if declared else ""
    return f"The bytes are no audio format that can be decoded.{called} Supported: {SUPPORTED}."


def _open(file: BinaryIO, demuxer: str) -> InputContainer:
    return av.open(
        file,
        "r",
        format=demuxer,
        container_options=_OPTIONS | (_WAV_OPTIONS if demuxer == "wav" else {}),
        metadata_errors="replace",
        io_open=_refuse_to_open,
    )


def _refuse_to_open(url: str, flags: int, options: dict[str, str]) -> object:
    raise HostileFileError("it refers to another file")


def _track(source: InputContainer) -> AudioStream:
    if not source.streams.audio:
        raise UnreadableError("it holds no sound track")
    stream = source.streams.audio[0]
    # Against its stubs, PyAV gives no context where FFmpeg has no decoder.
    name: str = getattr(stream.codec_context, "name", "something unknown")
    if not name.startswith(_PCM) and name not in _CODECS:
        raise UnreadableError(f"its sound is coded as {name}")
    return stream


def _refuse_too_long(source: InputContainer, track: AudioStream, max_duration_s: float, param: str | None) -> None:
    """Refuse by the packets' own durations, which costs a tenth of decoding them.

    They may be wrong by a little, so what is near the limit is left to `_at_rate`, which counts samples.
    """
    seconds, tick_s = 0.0, float(track.time_base or 0)
    for count, packet in enumerate(_packets(source, track)):
        seconds += (packet.duration or 0) * tick_s
        _refuse_crumbs(count, max(seconds, (packet.pts or 0) * tick_s))
        if seconds > max_duration_s * 1.02 + 1.0:
            raise _too_long(max_duration_s, param)


def _refuse_crumbs(count: int, seconds: float) -> None:
    """Refuse what is cut so fine that taking it apart costs minutes, whatever it holds."""
    spare, per_second = _CRUMBS
    if count > spare + per_second * seconds:
        raise UnreadableError("its packets hold too little sound each")


def _too_long(max_duration_s: float, param: str | None) -> AudioTooLong:
    limit = f"The audio is longer than the limit of {max_duration_s:g} seconds."
    return AudioTooLong(f"{limit} Send it in shorter parts.", param=param)


def _packets(source: InputContainer, track: AudioStream) -> Iterator[Packet[AudioStream]]:
    packets = source.demux(track)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:  # cut off in the middle of a packet: what came before is good
            return
        if packet is None:
            return
        yield packet


def _frames(source: InputContainer, track: AudioStream) -> Iterator[AudioFrame]:
    """Decoded frames; a packet that is damaged is left out, as players do, while most are whole."""
    whole = damaged = 0
    for packet in _packets(source, track):
        try:
            yield from packet.decode()
            whole += bool(packet.size)
        except av.error.FFmpegError:
            damaged += 1
            if damaged > whole + _CRUMBS[0]:
                break
    if damaged > whole:
        raise UnreadableError(f"{damaged} of its {damaged + whole} packets are damaged")


def _mono_frames(frames: Iterator[AudioFrame], channel: int | None) -> Iterator[tuple[Samples, int]]:
    """(mono samples, rate in Hz) of each frame: of one channel, or the mean of all."""
    packer = _Packer()
    seconds = 0.0
    for count, decoded in enumerate(frames):
        for frame in packer.packed(_checked(decoded)):
            yield _mono(frame, channel), frame.sample_rate
        seconds += decoded.samples / decoded.sample_rate
        _refuse_crumbs(count, seconds)


def _stated_s(source: InputContainer, track: AudioStream) -> float | None:
    """How long the sound is by an MP4's edit list; elsewhere FFmpeg cuts the padding, or only guesses a duration."""
    if not source.format.name.startswith("mov") or track.duration is None or track.time_base is None:
        return None
    return float(track.duration * track.time_base)


def _without_padding(frames: Iterator[tuple[Samples, int]], stated_s: float | None) -> Iterator[tuple[Samples, int]]:
    """The same, but the last frame ends where the sound is said to end, if that is within it."""
    held: tuple[Samples, int] | None = None
    seconds = 0.0
    for samples, rate_hz in frames:
        if held is not None:
            yield held
        held = samples, rate_hz
        seconds += len(samples) / rate_hz
    if held is not None:
        samples, rate_hz = held
        excess = 0 if stated_s is None else round((seconds - stated_s) * rate_hz)
        yield (samples[:-excess] if 0 < excess < len(samples) else samples), rate_hz


def _blocks(frames: Iterator[tuple[Samples, int]]) -> Iterator[tuple[Samples, int]]:
    """Frames gathered into blocks, each about `_BLOCK_S` long and of one rate."""
    pending: list[Samples] = []
    count = 0
    rate_hz = 0
    for samples, frame_hz in frames:
        if pending and (frame_hz != rate_hz or count >= rate_hz * _BLOCK_S):
            yield np.concatenate(pending), rate_hz
            pending, count = [], 0
        rate_hz = frame_hz
        pending.append(samples)
        count += len(samples)
    if pending:
        yield np.concatenate(pending), rate_hz


def _checked(frame: AudioFrame) -> AudioFrame:
    if not _MIN_RATE_HZ <= frame.sample_rate <= _MAX_RATE_HZ:
        raise UnreadableError(f"its sample rate of {frame.sample_rate} Hz is out of range")
    if not 1 <= frame.layout.nb_channels <= _MAX_CHANNELS:
        raise UnreadableError(f"it has {frame.layout.nb_channels} channels, more than {_MAX_CHANNELS}")
    return frame


class _Packer:
    """Makes frames safe to read: PyAV looks for the end of the list of planes past the eight that FFmpeg's frame has
    room for, and reads wild memory (seen in 18.1 with 7.1 AAC). Packed frames have one plane."""

    def __init__(self) -> None:
        self._key: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def packed(self, frame: AudioFrame) -> list[AudioFrame]:
        if not frame.format.is_planar or frame.layout.nb_channels < 8:
            return [frame]
        key = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or key != self._key:
            self._resampler, self._key = AudioResampler(format=frame.format.packed.name), key
        return self._resampler.resample(frame)


def _mono(frame: AudioFrame, channel: int | None) -> Samples:
    """One channel or the mean of all, float32 of shape (n,), in [-1, 1] whatever the file claims."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if channel is not None:
        values = values[min(channel, len(values) - 1) :][:1]
    if values.dtype.kind == "f":
        scaled = np.clip(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
    elif values.dtype.kind == "u":
        scaled = (values.astype(np.float32) - 128.0) / 128.0
    else:
        scaled = values / np.float64(2 ** (8 * values.dtype.itemsize - 1))
    mean = scaled[0] if len(scaled) == 1 else scaled.mean(axis=0, dtype=np.float64)
    return mean.astype(np.float32)


def _at_rate(
    blocks: Iterator[tuple[Samples, int]], rate_hz: int, max_duration_s: float, param: str | None
) -> Generator[Samples, None, None]:
    """Blocks at one rate; a change of rate on the way starts a new resampler. Stops at the limit."""
    seconds = 0.0
    resampler: Resampler | None = None
    from_hz = 0
    for block, block_hz in blocks:
        seconds += len(block) / block_hz
        if seconds > max_duration_s + 1e-9:
            raise _too_long(max_duration_s, param)
        if resampler is None or block_hz != from_hz:
            if resampler is not None:
                yield resampler.finish()
            resampler, from_hz = Resampler(block_hz, rate_hz), block_hz
        yield resampler.feed(block)
    if resampler is not None:
        yield resampler.finish()


def _join(parts: list[Samples]) -> Samples:
    """One array, clipped; each part is let go as soon as it is copied, so that an hour is not held twice."""
    whole = np.empty(sum(map(len, parts)), np.float32)
    at = len(whole)
    while parts:
        part = parts.pop()
        at -= len(part)
        np.clip(part, -1.0, 1.0, out=whole[at : at + len(part)])
    return whole
