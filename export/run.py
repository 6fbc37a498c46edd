"""`rtaction export`: convert a trained model of any supported format to ONNX files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from rtaction.errors import UsageError
from rtaction.export.options import TOLERANCE, ContractOptions, ExportOptions, SmallerOptions
from rtaction.export.smaller.make import ReadClips, make_files
from rtaction.onnx_format.file import OnnxFile


def run_export(
    model: Path,
    output: Path,
    contract: ContractOptions,
    options: ExportOptions,
    smaller: SmallerOptions,
    *,
    read_clips: ReadClips,
    say: Callable[[str], object],
) -> None:
    """Convert a model, check the result, and only then write it.

    Args:
        model: a run folder, a Keras model, or an ONNX file.
        output: the ONNX file to write.
        contract: contract fields set by the user.
        options: how to export and check the model.
        smaller: which other files to derive from it.
        read_clips: reads labelled videos.
        say: called with each line of output.

    Raises:
        RtactionError: see `rtaction.errors`; nothing is written then.
    """
    is_onnx = model.suffix.lower() == ".onnx"
    is_ours = is_onnx and OnnxFile.load(model).has_spec
    if smaller.is_any and is_ours:
        make_files(model.read_bytes(), output, smaller, read_clips=read_clips, say=say)
        return
    if is_onnx and (options.spec is not None or options.trust):
        raise UsageError(
            "--spec and --trust are for Keras models; an ONNX file contains no code, and its "
            "contract comes from --labels, --clip-seconds and so on"
        )
    if is_ours and contract == ContractOptions():
        raise UsageError(
            f"{model} already has a contract, so there is nothing to do; use --quantize, --half, "
            "--fuse-preprocessing or --triton to derive other files from it"
        )
    if not smaller.is_any:
        say(_export(model, output, contract, options))
        return
    with TemporaryDirectory(prefix="rtaction-") as folder:
        whole = Path(folder) / "model.onnx"
        say(_export(model, whole, contract, options).replace(f"wrote {whole}", "float model"))
        make_files(whole.read_bytes(), output, smaller, read_clips=read_clips, say=say)


def _export(model: Path, output: Path, contract: ContractOptions, options: ExportOptions) -> str:
    """Export the float model; returns the summary for the user."""
    if model.suffix.lower() != ".onnx":
        if contract.layout is not None:
            raise UsageError("--layout is for ONNX files; Keras clips are always nfhwc")
        from rtaction.export.exporter import export_model

        return export_model(
            model,
            output,
            spec_path=options.spec,
            clips_path=options.clips,
            tolerance=TOLERANCE if options.tolerance is None else options.tolerance,
            options=contract,
            trust=options.trust,
        ).to_text()
    from rtaction.export.foreign.adopt import adopt_onnx

    return adopt_onnx(
        model, output, contract, clips_path=options.clips, tolerance=options.tolerance
    ).to_text()
