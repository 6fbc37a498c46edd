"""Cross-validation: one training per fold, each tested on groups that it has not seen.

With few groups, a single split is unreliable: another split gives another accuracy. Here every
group is tested once in each repeat, and each repeat has other folds and other initial weights.

    folds.json              folds, repeats and the list of videos
    train_config.json       the settings of all trainings
    repeat-1/fold-1/...     a training, see `run_folder`; with fold.json once it is finished
    cross_validation.json   all results, once every training is finished
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from rtaction.errors import UsageError
from rtaction.evaluation.text import counted
from rtaction.jobs import Job, RunJobs
from rtaction.keras_tensorflow import keras
from rtaction.labelled.videos import Video
from rtaction.output_file import write_json
from rtaction.train.data.folds import make_folds, split_of_fold
from rtaction.train.data.split import Split
from rtaction.train.learning.fit import train
from rtaction.train.learning.many.jobs import all_done
from rtaction.train.learning.progress import CleanConsole
from rtaction.train.learning.training_data import (
    OpenPoseNetworks,
    corrections_of,
    find_all,
    with_corrections,
)
from rtaction.train.report.cross_validation import (
    CrossValidation,
    FoldResult,
    print_cross_validation,
)
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from rtaction.train.settings.several_labels import require_separable

_PLAN = "folds.json"
_CONFIG = "train_config.json"
_RESULT = "cross_validation.json"
_FOLD_RESULT = "fold.json"


def cross_validate(
    config: TrainConfig,
    output: Path,
    *,
    folds: int,
    repeats: int = 1,
    resume: bool = False,
    console: Console | None = None,
    open_networks: OpenPoseNetworks | None = None,
    run_jobs: RunJobs | None = None,
) -> CrossValidation:
    """Train and test once for each fold of each repeat, and print the results.

    Repeat n, from 1, uses the seed `config.seed + n - 1` for its folds and its trainings.

    Args:
        config: settings of each training. `validation_fraction` is relative to the videos that are
            not tested.
        output: folder for the result.
        folds: number of parts that the groups are divided into, 2 or more.
        repeats: number of repeats, each with another seed. Default 1.
        resume: keep finished folds and continue with the others; `repeats` may be larger than
            before. Default False.
        console: where progress is shown. Default: stderr.
        open_networks: see `train`. Default None.
        run_jobs: trains several folds at once; they get the figures that they get in a row.
            Default None, in a row.

    Raises:
        UsageError: the settings contradict each other, or do not fit the folder.
        DatasetError: fewer groups than folds, or a label with fewer than two groups.
        TrainingFailed: a fold has failed; all others are finished first, and kept.
        OutputError, MissingLibrary: see `rtaction.errors`.
    """
    console = console or CleanConsole(stderr=True)
    _check(config, repeats)
    require_separable(config, folds=True)
    videos = _resume(output, config, folds) if resume else _begin(output, find_all(config))
    corrections = (
        [Video.from_row(row) for row in _read_plan(output)["corrections"]]
        if resume
        else corrections_of(config, videos, console)
    )
    # Make all splits before the first training, so that an impossible one fails early.
    splits = {
        (repeat, fold): with_corrections(split, corrections)
        for repeat in range(1, repeats + 1)
        for fold, split in enumerate(_splits(videos, folds, config, _seed(config, repeat)), start=1)
    }
    _write_plan(output, config, videos, corrections, folds=folds, repeats=repeats)
    jobs: dict[str, Job] = {}
    for (repeat, fold), split in splits.items():
        path = output / f"repeat-{repeat}" / f"fold-{fold}"
        fold_config = replace(config, seed=_seed(config, repeat))
        which = f"repeat {repeat} of {repeats}, " if repeats > 1 else ""
        jobs[f"{which}fold {fold} of {folds}"] = partial(
            _result_of, path, fold_config, split, repeat, fold, open_networks
        )
    results = all_done(jobs, run_jobs, console, f"what is finished is kept in {output}")
    found = CrossValidation(tuple(results))
    write_json(output / _RESULT, found.to_dict(), indent=1)
    print_cross_validation(console, found)
    console.print(f"all figures: {output / _RESULT}", highlight=False, soft_wrap=True)
    return found


def saved_plan(output: Path) -> dict[str, int] | None:
    """Read `folds` and `repeats` of the cross-validation in a folder; None if there is none.

    Raises:
        UsageError: the file is damaged.
    """
    if not (output / _PLAN).exists():
        return None
    plan = _read_plan(output)
    return {name: int(plan[name]) for name in ("folds", "repeats")}


def _check(config: TrainConfig, repeats: int) -> None:
    if repeats < 1:
        raise UsageError(f"--repeats must be 1 or more, got {repeats}")
    if config.validation_groups:
        raise UsageError(
            "--folds and --validate-on cannot be combined: every group is tested once, so none can "
            "always validate; leave one of them out"
        )
    if config.test_fraction:
        raise UsageError(
            "--folds and --test-fraction cannot be combined: each fold is the test set of its "
            "training; leave one of them out"
        )


def _seed(config: TrainConfig, repeat: int) -> int:
    return config.seed + repeat - 1


def _splits(videos: list[Video], num_folds: int, config: TrainConfig, seed: int) -> list[Split]:
    folds = make_folds(videos, num_folds, seed=seed)
    fraction = config.share_to_validate
    return [
        split_of_fold(folds, number, validation_fraction=fraction, seed=seed)
        for number in range(num_folds)
    ]


def _result_of(
    path: Path,
    config: TrainConfig,
    split: Split,
    repeat: int,
    fold: int,
    open_networks: OpenPoseNetworks | None,
    console: Console | None = None,
) -> FoldResult:
    """The result of a fold: read if it is finished, else trained or resumed."""
    console = console or CleanConsole(stderr=True)
    groups = counted(len({video.group for video in split.test}), "group")
    console.print(f"{counted(len(split.test), 'video')} of {groups} to test on", highlight=False)
    done = path / _FOLD_RESULT
    if done.exists():
        console.print("already finished", highlight=False)
        try:
            return FoldResult.from_dict(json.loads(done.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UsageError(
                f"cannot read {done}: {error!r}; delete it to test the fold again"
            ) from None
    begun = RunFolder(path).history.exists()
    if begun and config.chosen_but is not None:
        config = config.with_picks_of(TrainConfig.load(RunFolder(path).config))
    result = train(
        config, path, resume=begun, split=split, console=console, open_networks=open_networks
    )
    assert result.test is not None  # every fold tests
    found = FoldResult.of_clips(result.test, repeat=repeat, fold=fold, num_epochs=result.num_epochs)
    write_json(done, found.to_dict(), indent=1)
    keras.utils.clear_session()  # otherwise each training leaves its graphs in memory
    return found


def _begin(output: Path, videos: list[Video]) -> list[Video]:
    if (output / _PLAN).exists():
        raise UsageError(
            f"{output} already contains a cross-validation; add --resume to continue it, or choose "
            "another folder with -o"
        )
    if RunFolder(output).history.exists():
        raise UsageError(f"{output} already contains a training; choose another folder with -o")
    return videos


def _resume(output: Path, config: TrainConfig, folds: int) -> list[Video]:
    """The videos that the cross-validation was started with, even if others exist now."""
    plan = _read_plan(output)
    if plan["folds"] != folds:
        raise UsageError(
            f"--resume: {output} was started with --folds {plan['folds']}; leave --folds out, or "
            "choose another folder with -o"
        )
    changed = set(config.changed_from(TrainConfig.load(output / _CONFIG)))
    changed -= {"videos", "videos_root"}
    if changed:
        raise UsageError(
            f"--resume: {output} was started with other settings ({', '.join(sorted(changed))}); "
            "leave them out, or choose another folder with -o"
        )
    return [Video.from_row(row) for row in plan["videos"]]


def _rows(videos: list[Video]) -> list[Any]:
    return [video.to_row() for video in videos]


def _read_plan(output: Path) -> dict[str, Any]:
    path = output / _PLAN
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        needed = {name: plan[name] for name in ("folds", "repeats", "videos")}
        return needed | {"corrections": plan.get("corrections", [])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"cannot resume from {path}: {error}; choose another folder") from None


def _write_plan(
    output: Path,
    config: TrainConfig,
    videos: list[Video],
    corrections: list[Video],
    *,
    folds: int,
    repeats: int,
) -> None:
    config.save(output / _CONFIG)
    plan: dict[str, Any] = {"folds": folds, "repeats": repeats, "videos": _rows(videos)}
    write_json(output / _PLAN, plan | {"corrections": _rows(corrections)}, indent=1)
