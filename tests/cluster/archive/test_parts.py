"""Long videos in parts, without a cluster: the answers are those of one run over each video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.cluster.archive import decode as decode_module
from rtaction.cluster.archive.archive_files import fingerprint_of
from rtaction.cluster.archive.assembly import MOST_TRIES, Assembly
from rtaction.cluster.archive.decode import decode
from rtaction.cluster.archive.kept import KeptParts
from rtaction.cluster.archive.messages import Piece
from rtaction.cluster.archive.parts import parts_of
from rtaction.cluster.archive.score import ChunkScorer
from rtaction.frame import DeferredFrame
from rtaction.model_spec import ModelSpec
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.predicting.answer import Answer
from rtaction.realtime.predicting.options import PredictOptions
from rtaction.realtime.predicting.work import judge
from rtaction.video import part as part_module
from tests.cluster.archive.drawn import PIECE_SECONDS, answers_by_hand, job_for, steady, write_waves
from tests.person_model import write_person_model
from tests.tiny_model import write_tiny_model
from tests.videos import write_flat_video


@pytest.fixture
def spec(tiny_spec: ModelSpec) -> ModelSpec:
    return replace(tiny_spec, threshold=0.6)


@pytest.fixture
def model(tmp_path: Path, spec: ModelSpec) -> Path:
    return write_tiny_model(tmp_path / "m.onnx", spec)


def alone(model: Path, video: Path, **options: object) -> Answer:
    """The answer of the command of one machine."""
    asked = PredictOptions((video,), **options)  # type: ignore[arg-type]
    return judge(ActionModel(model, device="cpu", num_threads=1), video, asked)


def uneven() -> npt.NDArray[np.float64]:
    """Times of a variable rate, with gaps that are longer than a window, and one at a cut."""
    steps = np.random.default_rng(3).choice([0.1, 0.2, 0.3], 1000)
    steps[[330, 331, 620]] = 7.3, 11.1, 1.7
    times: npt.NDArray[np.float64] = np.round(np.cumsum(steps) - steps[0], 3)
    return times


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_long_video_in_parts_has_the_events_of_a_single_run(
    tmp_path: Path, model: Path, name: str
) -> None:
    """With an index of all frames, of key frames, and with none."""
    video = write_waves(tmp_path / name, steady())
    (answer,), rounds = answers_by_hand(model, [video], job_for(model))
    expected = alone(model, video)
    assert answer == expected
    assert len(expected.spans) > 10
    assert [len(pieces) for pieces in rounds] == [1, 9]


def test_runs_of_frames_begin_anew_after_gaps_in_parts_too(tmp_path: Path, model: Path) -> None:
    video = write_waves(tmp_path / "a.mkv", uneven())
    (answer,), rounds = answers_by_hand(model, [video], job_for(model))
    assert answer == alone(model, video)
    _, parts, again = rounds
    # Those after the first gap were begun as if there were none before them.
    assert 0 < len(again) < len(parts)
    assert {part.begun_seconds for part in parts} == {0.0}
    assert len({part.begun_seconds for part in again}) == 2


@pytest.mark.parametrize(
    ("change", "options"),
    [
        ({"modality": "rgb+flow"}, {"stride_seconds": 0.7}),
        ({"modality": "flow_stack"}, {}),
        ({"sampling": "spread"}, {"windows": True}),
    ],
)
def test_other_windows(
    tmp_path: Path, spec: ModelSpec, change: dict[str, str], options: dict[str, object]
) -> None:
    model = write_tiny_model(tmp_path / "m.onnx", replace(spec, **change))  # type: ignore[arg-type]
    video = write_waves(tmp_path / "a.mp4", steady(900, 12.5))
    (answer,), rounds = answers_by_hand(model, [video], job_for(model, PIECE_SECONDS, **options))
    assert answer == alone(model, video, **options)
    assert not answer.problem
    assert len(rounds[-1]) > 1


def test_parts_that_do_not_fit_are_judged_in_one(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a decoder that cannot begin at what its file calls a key frame."""
    video = write_waves(tmp_path / "a.mp4", steady())
    read: Callable[..., Iterator[DeferredFrame]] = part_module.read_part

    def wrong(*args: object, entry_ticks: int | None, **named: object) -> Iterator[DeferredFrame]:
        """A frame early in a part is black, where its neighbour has it whole."""
        for frame in read(*args, entry_ticks=entry_ticks, **named):
            is_bad = entry_ticks is not None and frame.index == 9
            image = np.zeros((32, 48, 3), np.uint8)
            make = partial(np.copy, image) if is_bad else partial(getattr, frame, "image")
            yield DeferredFrame(make, frame.captured_at_seconds, frame.index, frame.source)

    monkeypatch.setattr(decode_module, "read_part", wrong)
    (answer,), rounds = answers_by_hand(model, [video], job_for(model))
    assert answer == alone(model, video)
    assert [piece.is_part for piece in rounds[-1]] == [False]


def test_whole_short_broken_and_missing_videos(tmp_path: Path, model: Path) -> None:
    videos = [
        write_waves(tmp_path / "a.mp4", steady(60)),
        write_flat_video(tmp_path / "short.mp4", value=200, seconds=0.4),
        write_flat_video(tmp_path / "slow.mp4", value=200, seconds=9.0, frames_per_second=1.0),
        tmp_path / "broken.mp4",
        tmp_path / "missing.mp4",
    ]
    videos[3].write_bytes(b"no video")
    answers, _ = answers_by_hand(model, videos, job_for(model))
    assert answers == [alone(model, video) for video in videos]
    assert [bool(one.problem) for one in answers] == [False, False, True, True, True]


def test_models_of_people_and_of_whole_videos_need_a_video_from_its_start(
    tmp_path: Path, spec: ModelSpec
) -> None:
    video = write_waves(tmp_path / "a.mp4", steady(400))
    whole = write_tiny_model(tmp_path / "w.onnx", replace(spec, sampling="spread"))
    people = write_person_model(tmp_path / "p.onnx")
    for model in (whole, people):
        job = job_for(model)
        assert parts_of(Piece(0, str(video), "a"), job) == ()
        short = write_flat_video(tmp_path / "s.mp4", value=90, seconds=2.0)
        (answer,), _ = answers_by_hand(model, [short], job)
        assert answer == alone(model, short)


def test_what_is_lost_is_given_up_after_few_tries(tmp_path: Path, model: Path) -> None:
    """A part that is lost gives up its video, once, and others go on."""
    video = write_waves(tmp_path / "a.mp4", steady())
    job = job_for(model)
    scorer = ChunkScorer(model, job, num_threads=1)
    assembly = Assembly([video], job)
    assembly.begin([Piece(0, str(video), str(video))])
    answers: list[Answer] = []
    num_rounds = 0
    while pieces := assembly.waiting():
        num_rounds += 1
        for piece in pieces:
            if piece.number != 3:
                for chunk in decode(piece, job):
                    answers += assembly.take(scorer.score(chunk))
        answers += assembly.count_try(pieces)
    assert num_rounds == 1 + MOST_TRIES
    assert [one.path for one in answers] == [video]
    assert "the process that read it ended" in answers[0].problem


def test_parts_are_kept_until_their_video_is_done(tmp_path: Path, model: Path) -> None:
    video = write_waves(tmp_path / "a.mp4", steady())
    job = job_for(model)
    kept = KeptParts(tmp_path / "kept", "me", fingerprint_of)
    expected, first = answers_by_hand(model, [video], job, kept)
    again, rounds = answers_by_hand(model, [video], job, kept)
    assert again == expected
    assert [len(pieces) for pieces in rounds] == [1]  # to find where it is cut

    for path in list((tmp_path / "kept").iterdir())[:2]:
        path.write_bytes(b"half")
    again, rounds = answers_by_hand(model, [video], job, kept)
    assert again == expected
    assert [len(pieces) for pieces in rounds] == [1, 2]

    others = KeptParts(tmp_path / "kept", "another model", fingerprint_of)
    _, rounds = answers_by_hand(model, [video], job, others)
    assert len(rounds[1]) == len(first[1])
    kept.clear()
    assert not (tmp_path / "kept").exists()
