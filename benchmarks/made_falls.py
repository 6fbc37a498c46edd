"""How many of made people who fall, lie down with care, or sit down are said to fall.

    python -m benchmarks.made_falls

Sequences of ten seconds that no training has seen, from `rtaction.train.motions`; the model is the
bundled one, with its own thresholds.
"""

from __future__ import annotations

import numpy as np

from rtaction.arrays import Float32Array
from rtaction.models import ACTIONS_MODEL
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.model.action_model import ActionModel
from rtaction.train.motions.floor import fall, lie_down, sit_down
from rtaction.train.motions.windows import film
from tools.people_thresholds import events_of, scores_of

NUM, SECONDS, SEED = 400, 10.0, 4711


def main() -> None:
    model = ActionModel(ACTIONS_MODEL, device="cpu", num_threads=1)
    spec, rules = model.spec, ActionRules.for_model(model.spec)
    rng = np.random.default_rng(SEED)
    num_times = round(SECONDS / spec.frame_interval_seconds)
    moments = np.arange(num_times, dtype=np.float32) * np.float32(spec.frame_interval_seconds)
    times = np.broadcast_to(moments, (NUM, num_times))

    def score(points: Float32Array) -> Float32Array:
        return model.score(points.reshape(len(points), spec.frames_per_clip, -1))

    for act in (fall, lie_down, sit_down):
        acted = act(rng, times)
        # Only those whose way begins and ends within the sequence.
        whole = (acted.share[:, 8] < 0.05) & (acted.share[:, -16] > 0.95)
        points = film(rng, acted.motion, times)[whole]
        told = ["fall" in events_of(one, spec, rules) for one in scores_of(score, spec, points)]
        print(f"{act.__name__}: {sum(told)} of {len(told)} are said to fall")


if __name__ == "__main__":
    main()
