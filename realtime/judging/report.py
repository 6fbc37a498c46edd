"""The figures of `rtaction eval` as JSON, for other programs.

One object. Fields of both kinds, `schema_version` 1:

    schema_version   1; a field may be added without notice, a change of meaning raises it
    kind             "clips" (videos of one action each), "several_labels" (videos of any number,
                     for a model that scores each label by itself) or "events"
    model            the model file, as given
    dataset          the folder or pattern of videos, as given
    group            the regular expression, or null: each video (or event) is independent
    clip_seconds     length of a window
    stride_seconds   time from the start of one window to the start of the next
    confidence       0.95: the confidence level of the intervals

A *figure* is {"value", "low", "high", "count"}: the value, the ends of its interval, and the number
of items (for false alarms: hours) it rests on; null if there was nothing to measure.

"clips": `labels` of the model; `confusion_rows`, these and the `unknown_labels`, which are not
labels of the model, with their numbers of videos; `labels_without_videos`; `num_videos`,
`num_not_judged`, `num_groups`; `videos`, each with `path`, `label`, `group`, `windows`, `called`
(the predicted label), `score` and `problem`; and for `windows` and `clips` (whole videos) each:

    count            number of items
    accuracy         figure, over labels of the model; top_k: the same by k
    accuracy_with_unknown   figure, over all: an item whose label is not one of the model's is
                     correct if the background label is predicted
    chance           accuracy of guessing
    most_frequent_label   accuracy of always predicting the most frequent label
    labels           precision, recall and f1 (figures) and count of each
    confusion        counts, a row per entry of `confusion_rows`, a column per entry of `labels`
    calibration      expected_calibration_error (figure) and bins with low, high, mean_score and
                     accuracy (figure); empty bins are left out

"several_labels": as "clips", with `exact_match` (figure: all labels right),
`mean_average_precision` and the `threshold` in place of accuracy and confusion,
`average_precision` of each label, and `scores` of each video; without `confusion_rows` and
`labels_without_videos`.

"events", for the reported part: `num_videos`, `num_groups`, `watched_seconds`, `videos`
with their `events` and `intervals`; `ignored_intervals`, the number of intervals whose label the
model cannot detect; `problems` and `notes`; and

    all, labels      events, intervals; precision, recall and f1 by `iou`; false_alarms_an_hour;
                     onset_delay_seconds, from the true start to the moment of the report, and
                     start_error_seconds, to the reported start: median and p90, or null
    tuning           null, or actions (the table of a cameras.toml), num_videos, num_intervals,
                     figures_on_tuned_part and figures_before_tuning
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rtaction.evaluation.estimate import CONFIDENCE
from rtaction.model_spec import ModelSpec
from rtaction.output_file import write_json
from rtaction.realtime.judging.events import EventEvaluation
from rtaction.realtime.judging.options import EvalOptions
from rtaction.realtime.judging.several_labels import SeveralEvaluation
from rtaction.realtime.judging.videos import VideoEvaluation

SCHEMA_VERSION = 1


def _kind(found: VideoEvaluation | SeveralEvaluation | EventEvaluation) -> str:
    if isinstance(found, EventEvaluation):
        return "events"
    return "clips" if isinstance(found, VideoEvaluation) else "several_labels"


def write_report(
    path: Path,
    found: VideoEvaluation | SeveralEvaluation | EventEvaluation,
    spec: ModelSpec,
    *,
    model: Path,
    options: EvalOptions,
) -> None:
    """Write a JSON file. Missing folders are created.

    Args:
        path: the file; replaced if it exists.
        found: the evaluation.
        spec: of the model.
        model: the model file, as given.
        options: which videos, and how they were judged.

    Raises:
        OutputError: the file cannot be written.
    """
    values: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "kind": _kind(found),
        "model": str(model),
        "dataset": options.videos,
        "group": options.group,
        "clip_seconds": spec.clip_seconds,
        "stride_seconds": round(options.stride_seconds or spec.frame_interval_seconds, 6),
        "confidence": CONFIDENCE,
    } | found.to_dict()
    write_json(path, values)
