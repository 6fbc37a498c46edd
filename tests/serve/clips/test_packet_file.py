"""Files of packets: H.264 and H.265 as they came, with and without what a decoder needs, anew."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from rtaction.errors import OutputError
from rtaction.realtime.sources.stream_packets import PacketReader, StreamPacket
from rtaction.serve.clips.packet_file import CODINGS, Look, PacketFile
from tests.serve.small_disks import small_disk

RATE = 25


def packets_of(
    encoder: str, container: str, number: int = 50, options: dict[str, str] | None = None
) -> list[StreamPacket]:
    """Pictures that become brighter, with a key each ten; `PacketReader` has read them."""
    content = io.BytesIO()
    with av.open(content, "w", format=container) as made:
        stream: Any = made.add_stream(encoder, rate=RATE, options=options or {})
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 10
        for index in range(number):
            image = np.full((48, 64, 3), 20 + 4 * index % 200, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = index
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    content.seek(0)
    with av.open(content, "r") as read:
        stream = read.streams.video[0]
        reader = PacketReader("door", stream)
        packets = [
            reader.read(packet, 1000 + index / RATE)
            for index, packet in enumerate(read.demux(stream))
            if packet.size
        ]
    return [packet for packet in packets if packet is not None]


def written(
    path: Path,
    packets: Sequence[StreamPacket],
    look: Look | None = None,
    codings: Sequence[str] = CODINGS,
) -> PacketFile:
    file = PacketFile(
        path.parent,
        path.stem,
        look,
        codings=codings,
        frames_per_second=10.0,
        uses_hardware=False,
        comment=lambda first_seconds: f"from {first_seconds:.1f}",
    )
    for packet in packets:
        file.write(packet)
    file.close()
    return file


def decoded(path: Path) -> list[tuple[float, int]]:
    """Time and brightness of each frame."""
    with av.open(str(path)) as container:
        return [
            (round(float(frame.time), 2), round(float(frame.to_ndarray(format="rgb24").mean())))
            for frame in container.decode(video=0)
            if frame.time is not None
        ]


@pytest.mark.parametrize("container", ["mpegts", "mp4", "flv"])
def test_h264_as_it_came(tmp_path: Path, container: str) -> None:
    packets = packets_of("libx264", container)
    assert {packet.coding for packet in packets} == {"h264"}
    assert [packet.is_key for packet in packets].count(True) == 5
    # As a byte stream, whatever it came in.
    assert all(packet.content[:3] in (b"\0\0\0", b"\0\0\1") for packet in packets)
    path = tmp_path / "clip.mp4"
    assert written(path, packets).path == path

    frames = decoded(path)
    times = [time for time, _ in frames]
    assert len(frames) == 50
    assert np.diff(times) == pytest.approx(1 / RATE, abs=0.011)
    # None is missing, and they are in order, also with pictures that need later ones.
    assert [value for _, value in frames] == pytest.approx([20 + 4 * n for n in range(50)], abs=3)
    with av.open(str(path)) as container_:
        assert container_.metadata["comment"] == "from 1000.0"
        packed = [bytes(packet) for packet in container_.demux(video=0) if packet.size]
    # Nothing was encoded: each picture is what it was, but for its framing.
    assert len(packed[15]) == pytest.approx(len(packets[15].content), abs=80)


def test_what_a_decoder_needs_may_come_apart(tmp_path: Path) -> None:
    packets = packets_of("libx264", "mp4", options={"bf": "0"})
    # As cameras that tell it once, when one connects.
    units = packets[0].content.split(b"\0\0\0\1")
    head = b"".join(b"\0\0\0\1" + unit for unit in units if unit[:1] and unit[0] & 31 in (7, 8))
    assert head
    bare = [
        replace(
            packet,
            head=head,
            content=b"".join(
                b"\0\0\0\1" + unit
                for unit in packet.content.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
                if unit and unit[0] & 31 not in (7, 8)
            ),
        )
        for packet in packets
    ]
    written(tmp_path / "kept.mp4", bare)
    written(tmp_path / "seen.mp4", bare, lambda image: image)
    assert len(decoded(tmp_path / "kept.mp4")) == 50
    assert len(decoded(tmp_path / "seen.mp4")) == 20


@pytest.mark.parametrize("container", ["mpegts", "mp4"])
def test_h265(tmp_path: Path, container: str) -> None:
    try:
        packets = packets_of("libx265", container, options={"x265-params": "log-level=none"})
    except ValueError:
        pytest.skip("this PyAV has no encoder of H.265")
    written(tmp_path / "kept.mp4", packets)
    written(tmp_path / "converted.mp4", packets, codings=CODINGS[:1])
    for name, coding, number in (("kept", "hevc", 50), ("converted", "h264", 20)):
        with av.open(str(tmp_path / f"{name}.mp4")) as made:
            assert made.streams.video[0].codec_context.name == coding
        assert len(decoded(tmp_path / f"{name}.mp4")) == number
    with av.open(str(tmp_path / "kept.mp4")) as made:
        assert made.streams.video[0].codec_context.codec_tag == "hvc1"


def test_packets_of_another_connection_are_passed_over(tmp_path: Path) -> None:
    first, second = packets_of("libx264", "mpegts", 20), packets_of("libx264", "mpegts", 20)
    assert first[0].connection != second[0].connection
    written(tmp_path / "clip.mp4", [*first, *second])
    assert len(decoded(tmp_path / "clip.mp4")) == 20


@pytest.mark.parametrize("seconds", [1000, -1000])
def test_a_clock_that_jumps(tmp_path: Path, seconds: int) -> None:
    packets = packets_of("libx264", "mpegts", 40, {"bf": "0"})
    ticks = round(seconds / packets[0].time_base)
    jumped = [
        replace(packet, pts=(packet.pts or 0) + ticks, dts=(packet.dts or 0) + ticks)
        for packet in packets[20:]
    ]
    written(tmp_path / "clip.mp4", [*packets[:20], *jumped])
    times = [time for time, _ in decoded(tmp_path / "clip.mp4")]
    assert len(times) == 40
    assert times[-1] == pytest.approx(39 / RATE, abs=0.1)


def test_packets_without_times(tmp_path: Path) -> None:
    packets = packets_of("libx264", "mpegts", 20, {"bf": "0"})
    bare = [replace(packet, pts=None, dts=None, time_base=Fraction(0)) for packet in packets]
    written(tmp_path / "clip.mp4", bare)
    assert [time for time, _ in decoded(tmp_path / "clip.mp4")] == pytest.approx(
        [number / RATE for number in range(20)], abs=0.02
    )


def test_damaged_packets(tmp_path: Path) -> None:
    packets = packets_of("libx264", "mpegts", 40, {"bf": "0"})
    packets[12] = replace(packets[12], content=b"\0\0\1\x65 nothing that anybody could decode")
    written(tmp_path / "seen.mp4", packets, lambda image: image)
    assert len(decoded(tmp_path / "seen.mp4")) >= 10
    # No file can be begun with it.
    with pytest.raises(OutputError, match=r"nothing\.mp4"):
        written(tmp_path / "nothing.mp4", [replace(packets[12], head=b"")])


def test_what_is_written_when_the_disk_is_full_plays_to_its_end(tmp_path: Path) -> None:
    packets = packets_of("libx264", "mpegts", 200, {"bf": "0", "crf": "0"})
    with small_disk(tmp_path / "disk", num_bytes=16_384) as disk:
        file = PacketFile(
            disk,
            "clip",
            None,
            codings=CODINGS,
            frames_per_second=10.0,
            uses_hardware=False,
            comment=lambda first_seconds: "",
        )

        def write_all() -> None:
            for packet in packets:
                file.write(packet)

        with pytest.raises(OutputError, match="No space left"):
            write_all()
        file.abandon()
        frames = decoded(disk / "clip.mp4")
    assert 10 < len(frames) < 200
