"""`rtaction export`: convert a trained model of any supported format to ONNX files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rtaction.errors import UsageError
from rtaction.export.agreement.agreement import Agreement
from rtaction.export.options import TOLERANCE, ContractOptions, ExportOptions, SmallerOptions
from rtaction.export.smaller.make import ReadClips, make_files
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile

if TYPE_CHECKING:
    from rtaction.export.exporter import Export
    from rtaction.export.foreign.adopt import Adoption


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export wrote; printed, it says what that is, and how it was checked.

    Args:
        model: the ONNX file.
        agreement: of its scores with those of the model that it was made from; None if only its
            form was changed.
        lines: this in words.
    """

    model: Path
    agreement: Agreement | None
    lines: tuple[str, ...] = field(repr=False)

    @property
    def spec(self) -> ModelSpec:
        """The model's contract: labels and timing."""
        return OnnxFile.load(self.model).spec

    def __str__(self) -> str:
        return "\n".join(self.lines)


def run_export(
    model: Path,
    output: Path,
    contract: ContractOptions,
    options: ExportOptions,
    smaller: SmallerOptions,
    *,
    read_clips: ReadClips,
    say: Callable[[str], object],
) -> ExportResult:
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
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        say(line)

    is_onnx = model.suffix.lower() == ".onnx"
    is_ours = is_onnx and OnnxFile.load(model).has_spec
    if smaller.is_any and is_ours:
        compared = make_files(model.read_bytes(), output, smaller, read_clips=read_clips, say=note)
        return ExportResult(output, compared, tuple(lines))
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
        whole = _export(model, output, contract, options)
        note(whole.to_text())
        return ExportResult(output, whole.agreement, tuple(lines))
    with TemporaryDirectory(prefix="rtaction-") as folder:
        path = Path(folder) / "model.onnx"
        whole = _export(model, path, contract, options)
        note(whole.to_text().replace(f"wrote {path}", "float model"))
        compared = make_files(path.read_bytes(), output, smaller, read_clips=read_clips, say=note)
    return ExportResult(output, compared or whole.agreement, tuple(lines))


def _export(
    model: Path, output: Path, contract: ContractOptions, options: ExportOptions
) -> Export | Adoption:
    """Export the float model."""
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
        )
    from rtaction.export.foreign.adopt import adopt_onnx

    return adopt_onnx(
        model, output, contract, clips_path=options.clips, tolerance=options.tolerance
    )
