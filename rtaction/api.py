"""What the commands do, as functions that return results with names.

`rtaction.watch` and `rtaction.Recognizer` recognise; what makes and judges models is here. The
names end in `_model`, as `rtaction.train`, `rtaction.teach` and `rtaction.export` are packages.
Nothing is printed but the progress of a training; print a result to see what a command would say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from rtaction.errors import training_stack_needed
from rtaction.export.options import ContractOptions, ExportOptions, SmallerOptions
from rtaction.keyword_settings import checked_settings, made, shows_settings
from rtaction.realtime.judging.options import EvalOptions
from rtaction.train.settings.config import TrainConfig

if TYPE_CHECKING:
    from rtaction.export.run import ExportResult
    from rtaction.model_spec import ModelSpec
    from rtaction.realtime.judging.run import Judgement
    from rtaction.realtime.model.action_model import ActionModel
    from rtaction.teach.learning import Progress
    from rtaction.teach.report import TeachResult
    from rtaction.train.learning.result import TrainResult

_log = logging.getLogger(__name__)
_NOT_OF_TRAINING = ("videos", "network", "chosen_but")
_EXPORT_KINDS = (ContractOptions, ExportOptions, SmallerOptions)


@shows_settings(TrainConfig, without=_NOT_OF_TRAINING)
def train_model(
    videos: str | Path,
    output: str | Path = "run",
    *,
    network: str | Callable[[ModelSpec], Any] | Any = "light",
    auto: bool = False,
    resume: bool = False,
    callbacks: Sequence[Any] = (),
    **settings: Any,
) -> TrainResult:
    """Train a network on folders of labelled videos, as `rtaction train` does.

    Args:
        videos: a folder with one folder of videos for each label, a pattern such as
            "videos/{classname}/*.mp4", or an annotation file (.csv).
        output: folder of the run: the network, its figures, its report. Default "run".
        network: one of rtaction's by name, or a Keras model or a function that builds one, see
            `rtaction.train.fit`. Default "light".
        auto: choose all settings that are not given from the videos. Default False.
        resume: go on with the training in that folder. Default False.
        callbacks: of Keras. Default none.
        settings: see below.

    Returns:
        `model`, the path of the network; `accuracy` and `validation`, what it reached on videos
        that it was not trained on. Printed, the figures of each label.

    Raises:
        UsageError: a setting is none, has another type or is out of range.
        DatasetError, OutputError, MissingLibrary, TrainingFailed: see `rtaction.errors`.

    Example:
        >>> run = rtaction.train_model("videos/", network="convnet", frames_per_clip=5)
        >>> print(run.accuracy.value, run.model)
    """
    checked = checked_settings([TrainConfig], settings, without=_NOT_OF_TRAINING)
    with training_stack_needed():
        from rtaction.realtime.model.pose_networks import open_pose_networks
        from rtaction.train.learning.own import fit

        return fit(
            network,
            videos,
            output,
            resume=resume,
            auto=auto,
            callbacks=callbacks,
            open_networks=open_pose_networks,
            **checked,
        )


def teach_model(
    videos: str | Path,
    output: str | Path = "taught",
    *,
    labels: Sequence[str] | None = None,
    group: str | None = None,
    people: bool = True,
    modality: str | None = None,
    videos_root: str | Path | None = None,
    corrections: str | Path | None = None,
    on_progress: Progress | None = None,
) -> TeachResult:
    """Learn actions from a handful of clips in a minute, as `rtaction teach --from` does.

    Args:
        videos: a folder with one folder of clips for each label, a pattern, or an annotation file.
            Clips of the label "nothing" show no action.
        output: folder of the model. Default "taught".
        labels: only these. Default: all that are found.
        group: regular expression that finds a clip's group (person, camera) in its path. Default:
            each clip is its own.
        people: try people's joints; False for actions that are not of people. Default True.
        modality: joints together with pictures, such as "pose+rgb_diff". Default: joints or
            pictures, whichever are better.
        videos_root: folder that names in an annotation file are relative to. Default: its own.
        corrections: learn from the labelled clips of this folder as well. Default none.
        on_progress: called with the number of steps done and of all. Default None.

    Returns:
        `model`, the path of the ONNX file; `accuracy`, on clips held out. Printed, also what would
        make it better.

    Raises:
        RtactionError: see `rtaction.errors`.

    Example:
        >>> taught = rtaction.teach_model("clips/")
        >>> for prediction in rtaction.watch(0, taught.model):
        ...     print(prediction.label)
    """
    from rtaction.teach.report import TeachResult
    from rtaction.teach.teaching import teach_from

    taught = teach_from(
        videos,
        Path(output),
        labels=labels,
        group=group,
        people=people,
        modality=modality,
        root=None if videos_root is None else str(videos_root),
        corrections=None if corrections is None else Path(corrections),
        on_progress=on_progress,
    )
    return TeachResult(Path(output) / "model.onnx", taught)


@shows_settings(*_EXPORT_KINDS)
def export_model(
    model: str | Path, output: str | Path = "model.onnx", **settings: Any
) -> ExportResult:
    """Make one ONNX file of a trained model, and check that it gives the same scores.

    Args:
        model: a run folder, a .keras or .h5 file, a SavedModel folder, or an ONNX file.
        output: the file to write. Default "model.onnx".
        settings: see below; for a model that was trained by rtaction none is needed.

    Returns:
        `model`, the path of the file; `agreement`, how closely the scores match. Printed, both.

    Raises:
        RtactionError: see `rtaction.errors`; nothing is written then.

    Example:
        >>> exported = rtaction.export_model("run/", "model.onnx")
        >>> print(exported.agreement.max_difference)
    """
    checked = checked_settings(_EXPORT_KINDS, settings)
    contract, options, smaller = (made(kind, checked) for kind in _EXPORT_KINDS)
    with training_stack_needed():
        from rtaction.export.run import run_export
        from rtaction.train.data.known_clips import read_known_clips

        return run_export(
            Path(model),
            Path(output),
            cast(ContractOptions, contract),
            cast(ExportOptions, options),
            cast(SmallerOptions, smaller),
            read_clips=read_known_clips,
            say=_log.debug,
        )


@shows_settings(EvalOptions, without=("videos",))
def evaluate_model(
    model: str | Path | ActionModel, videos: str | Path, *, device: str = "auto", **settings: Any
) -> Judgement:
    """Measure how good a model is, on labelled videos or on actions at known times.

    Args:
        model: an ONNX file, a run folder, a .keras file, or a loaded model.
        videos: a folder with one folder of videos for each label, a pattern, or an annotation file;
            with `intervals`, a folder.
        device: see `rtaction eval --device`. Default "auto".
        settings: see below.

    Returns:
        `accuracy`, with its 95 % interval; `figures`, all there is to know. Printed, what
        `rtaction eval` says.

    Raises:
        RtactionError: see `rtaction.errors`.

    Example:
        >>> judged = rtaction.evaluate_model("model.onnx", "held_out/")
        >>> print(judged.accuracy.value, judged.accuracy.low, judged.accuracy.high)
    """
    options = made(
        EvalOptions,
        {"videos": str(videos)} | checked_settings([EvalOptions], settings, without=("videos",)),
    )
    from rtaction.realtime.judging.run import run_evaluation
    from rtaction.realtime.watching.recognizer import load_model

    with ExitStack() as stack:

        def load() -> ActionModel:
            if isinstance(model, str | Path):
                return load_model(stack.enter_context(onnx_of(Path(model), _log.debug)), device)
            return load_model(model, device)

        return run_evaluation(
            load, options, progress=lambda _: nullcontext(lambda: None), say=_log.debug
        )


@contextmanager
def onnx_of(model: Path, say: Callable[[str], object]) -> Iterator[Path]:
    """The ONNX file of a model; Keras models are exported first, to judge what runs live.

    Args:
        model: an ONNX file, a .keras file, or a run folder.
        say: told of the export.
    """
    keras = model / "model.keras" if model.is_dir() else model
    if keras.suffix != ".keras":
        yield model
        return
    with TemporaryDirectory(prefix="rtaction-") as folder:
        with training_stack_needed():
            from rtaction.export.exporter import export_model

            exported = export_model(keras, Path(folder) / "model.onnx")
        difference = exported.agreement.max_difference
        say(f"exported {keras}: scores differ by at most {difference:.1e}")
        yield exported.path
