"""The comparison with networks of others, on stand-ins of theirs whose scores are known."""

from __future__ import annotations

import re
import sys
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.__main__ import main
from benchmarks.peers.comparing import OwnStream, compare
from benchmarks.peers.files import open_network
from benchmarks.peers.streams import CarryingStream, Tensor, imagenet, pair_states, zero_to_one
from rtaction.errors import ModelUnreadable, UsageError
from rtaction.model_spec import ModelSpec
from rtaction.models import ACTIONS_MODEL
from rtaction.realtime.model.action_model import ActionModel
from tests.core.peer_networks import (
    SHIFTS,
    write_movinet_like,
    write_movinet_like_with_tensorflow,
    write_tsm_like,
)
from tests.project import ROOT
from tests.tiny_model import write_tiny_model
from tests.videos import write_flat_video

GRAYS = (20, 120, 240, 60)
CLIP = [np.full((48, 64, 3), gray, np.uint8) for gray in GRAYS]
SPEC = ModelSpec(("up", "down"), frames_per_clip=3, clip_seconds=0.2, height=32, width=32)


def _stream(path: Path, num_threads: int = 1) -> CarryingStream:
    is_tsm = path.name.startswith("tsm")
    size = 224 if is_tsm else 172
    network = open_network(path, size=size, num_threads=num_threads)
    return CarryingStream(network, size, imagenet if is_tsm else zero_to_one)


def test_each_shift_buffer_comes_back_a_frame_later(tmp_path: Path) -> None:
    stream = _stream(write_tsm_like(tmp_path / "tsm_online.onnx"))
    assert stream.picture.size_hw == (224, 224)
    means = [float(np.mean(imagenet(image))) for image in CLIP]
    for _ in range(2):
        for before, now, image in zip([0.0, *means], means, CLIP, strict=False):
            scores = stream.step(image)
            assert scores.shape == (27,)
            assert scores[:10] == pytest.approx([before * k for k in range(1, 11)], rel=1e-3)
            assert scores[10] == pytest.approx(now, rel=1e-3)
        stream.reset()


def _require_movinet(stream: CarryingStream) -> None:
    """Running means and what was seen two pictures ago, the same again after a reset."""
    assert stream.picture.size_hw == (172, 172)
    shares = [gray / 255 for gray in GRAYS]
    sums = list(accumulate(shares))
    for _ in range(2):
        for number, image in enumerate(CLIP):
            scores = stream.step(image)
            assert scores.shape == (600,)
            assert scores[0] == pytest.approx(sums[number] / (number + 1), abs=1e-4)
            assert scores[1] == pytest.approx(shares[number - 2] if number > 1 else 0.0, abs=1e-4)
        assert stream.has_changed
        stream.reset()
        assert not stream.has_changed


def test_the_states_of_movinet_are_carried(tmp_path: Path) -> None:
    _require_movinet(_stream(write_movinet_like(tmp_path / "movinet_a0_stream.onnx")))


@pytest.mark.slow
def test_the_states_of_movinet_are_carried_by_tensorflow(tmp_path: Path) -> None:
    saved, lite = write_movinet_like_with_tensorflow(tmp_path)
    _require_movinet(_stream(lite))
    # TensorFlow has run, and keeps its threads.
    with pytest.raises(ModelUnreadable, match="already runs with other threads"):
        _stream(saved, num_threads=1)
    _require_movinet(_stream(saved, num_threads=0))


ONLINE_DEMO = """
import torch


class MobileNetV2(torch.nn.Module):
    def __init__(self, n_class):
        super().__init__()
        self.classifier = torch.nn.Linear(3, n_class)

    def forward(self, x, *buffers):
        kept = [torch.zeros_like(one) + x.mean() for one in buffers]
        carried = sum(one.mean() for one in buffers)
        return (self.classifier(x.mean((2, 3))) + carried, *kept)
"""
"""A module with the interface of TSM's online_demo."""


def test_what_the_page_exports_of_tsm_is_what_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch", reason="docs/peers.md exports TSM with torch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("mobilenet_v2_tsm.py").write_text(ONLINE_DEMO)
    from mobilenet_v2_tsm import MobileNetV2  # type: ignore[import-not-found]

    torch.save(MobileNetV2(27).state_dict(), "mobilenetv2_jester_online.pth.tar")
    page = (ROOT / "docs" / "peers.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(code, "docs/peers.md", "exec"), {})
    stream = _stream(tmp_path / "tsm_online.onnx")
    first, second = (stream.step(image) for image in (CLIP[0], CLIP[0]))
    assert second - first == pytest.approx(10 * float(np.mean(imagenet(CLIP[0]))), rel=1e-3)


def test_states_that_do_not_come_back_are_refused() -> None:
    states = [Tensor("a", (1, 4), np.float32), Tensor("b", (1, 2, 2), np.float32)]
    scores = Tensor("scores", (1, 5), np.float32)
    assert pair_states(states, [*states, scores]) == ("scores", {"a": "a", "b": "b"})
    swapped = [scores, Tensor("x", (1, 2, 2), np.float32), Tensor("y", (1, 3, 2), np.float32)]
    with pytest.raises(ModelUnreadable, match=r"the states are b \(1, 2, 2\), the outputs scores"):
        pair_states(states[1:], swapped)


def test_a_network_that_carries_nothing_is_refused(tmp_path: Path) -> None:
    stream = _stream(write_tsm_like(tmp_path / "tsm_online.onnx", keeps=False))
    with pytest.raises(ModelUnreadable, match="TSM: its states stay"):
        compare({"TSM": stream}, [CLIP], rounds=1)


def test_a_network_without_a_picture_is_refused(tmp_path: Path) -> None:
    network = open_network(write_tsm_like(tmp_path / "tsm_online.onnx"), size=224, num_threads=1)
    without = type(network)([Tensor("i1", SHIFTS[3], np.float32)], network.outputs, network.run)
    with pytest.raises(ModelUnreadable, match=r"no input is a picture.*i1 \(1, 8, 14, 14\)"):
        CarryingStream(without, 224, imagenet)


def test_our_own_step_is_that_of_whole_windows(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "own.onnx", SPEC)
    stream, model = OwnStream(path, 1), ActionModel(path, device="cpu", num_threads=1)
    window = [CLIP[0]] * 3
    for image in CLIP:
        window = [*window[1:], image]
        whole = np.stack([one[:32, :32] for one in window])[np.newaxis]
        assert stream.step(image) == pytest.approx(model.score_clips(whole)[0], abs=1e-6)
    with pytest.raises(UsageError, match="does not take one picture at a time"):
        OwnStream(ACTIONS_MODEL, 1)


def test_all_that_is_there_is_compared_in_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = write_tiny_model(tmp_path / "own.onnx", SPEC)
    peers = tmp_path / "peers"
    peers.mkdir()
    write_tsm_like(peers / "tsm_online.onnx")
    (peers / "movinet_a0_stream.onnx").write_bytes(b"not a network")
    clip = write_flat_video(tmp_path / "clip.mkv", value=90, seconds=0.4)
    options = f"--peers {peers} --clips {clip} --model {own} --threads 1 --rounds 2"
    monkeypatch.setattr(sys, "argv", ["peers", *options.split()])
    main()
    told = capsys.readouterr().out
    rows = [line.split(" | ") for line in told.splitlines() if line.startswith("| ")][2:]
    assert [row[0] for row in rows] == [
        "| rtaction own",
        "| TSM online, MobileNetV2 (tsm_online.onnx)",
    ]
    assert [row[1] for row in rows] == ["32x32", "224x224"]
    assert rows[0][-1] == "1.00 |"
    medians = [float(row[2]) for row in rows]
    assert float(rows[1][-1].rstrip(" |")) == pytest.approx(medians[1] / medians[0], rel=0.2)
    assert all(float(row[3]) >= float(row[2]) for row in rows)
    assert "clip.mkv: 10 frames of 64x48" in told
    assert "left out: MoViNet-A0-stream (movinet_a0_stream.onnx):" in told

    (peers / "movinet_a0_stream.onnx").unlink()
    main()
    assert "no movinet_a0_stream.onnx or movinet_a0_stream.tflite or" in capsys.readouterr().out
