"""Write the bundled sample video: a drawn person of whom the bundled model names what they do.

python -m tools.make_sample
"""

from __future__ import annotations

from pathlib import Path

import av

from rtaction.models import ACTIONS_MODEL, SAMPLE_CLIP
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.judging.tuning import find_events
from rtaction.realtime.judging.watched import judge_videos
from rtaction.realtime.model.action_model import ActionModel
from rtaction.train.render.actions import ACTIONS
from rtaction.train.render.clip import render_sequence

# All training clips have lower seeds. This person is clearly visible.
SAMPLE_SEED = 999_000_016
SAMPLES_TO_TRY = 20
SAMPLE_ACTIONS = (
    ("nothing", 3.0),
    ("wave", 4.0),
    ("other", 4.0),
    ("arms_side", 4.0),
    ("clap", 4.0),
    ("arms_raise", 4.0),
    ("punch", 4.0),
    ("nothing", 3.0),
)


def main() -> None:
    """Overwrite the sample."""
    choose_sample(SAMPLE_CLIP)


def choose_sample(path: Path) -> None:
    """Write the demo video: the first person of whom exactly the acted actions are recognised."""
    model = ActionModel(ACTIONS_MODEL, device="cpu")
    rules = ActionRules.for_model(model.spec)
    acted = [label for label, _ in SAMPLE_ACTIONS if label in ACTIONS]
    for seed in range(SAMPLE_SEED, SAMPLE_SEED + SAMPLES_TO_TRY):
        write_sample(path, seed)
        (said,) = judge_videos(model, [path])
        named = [event.label for event in find_events(said.predictions, rules, model.spec)]
        print(f"sample {seed}: {' '.join(named)}", flush=True)
        if named == acted:
            return
    raise SystemExit(
        f"the actions of none of {SAMPLES_TO_TRY} people were all recognised; the model is poor"
    )


def write_sample(path: Path, seed: int) -> None:
    """Write a video of one person who does all actions."""
    frames_per_second = 15
    clip, _ = render_sequence(
        SAMPLE_ACTIONS, seed=seed, frames_per_second=frames_per_second, size_hw=(240, 320)
    )
    # OpenCV's encoder has no quality setting, and its file would be twenty times as large.
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=frames_per_second)
        stream.height, stream.width = clip.images.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "38", "b": "0"}
        for image in clip.images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    main()
