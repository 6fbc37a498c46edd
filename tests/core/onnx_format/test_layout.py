from __future__ import annotations

import pytest

from rtaction.onnx_format.layout import adoption_command, axes_between, possible_layouts

FREE = " --frames NUMBER"


@pytest.mark.parametrize(
    ("dims", "expected"),
    [
        ([0, 16, 112, 112, 3], ["nfhwc"]),
        ([1, 16, 112, 112, 1], ["nfhwc"]),
        ([0, 16, 3, 112, 112], ["nfchw"]),
        ([8, 0, 3, 112, 112], ["nfchw"]),
        ([0, 3, 16, 112, 112], ["ncfhw"]),
        ([0, 3, 0, 112, 112], ["ncfhw"]),
        ([0, 1, 16, 112, 112], ["ncfhw"]),
        ([0, 3, 112, 112, 3], ["nfhwc"]),  # as ncfhw it would be 3 pixels wide
        ([0, 3, 3, 112, 112], ["nfchw", "ncfhw"]),
        ([0, 1, 3, 112, 112], ["nfchw", "ncfhw"]),
        ([0, 16, 2, 112, 112], []),
        ([0, 0, 0, 0, 3], ["nfhwc"]),
        ([0, 3, 112, 112], []),
        ([], []),
    ],
)
def test_possible_layouts(dims: list[int], expected: list[str]) -> None:
    assert possible_layouts(dims) == expected


@pytest.mark.parametrize(
    ("channels", "expected"), [(2, ["nfchw"]), (16, ["ncfhw"]), (3, []), (112, [])]
)
def test_channels_may_be_known(channels: int, expected: list[str]) -> None:
    assert possible_layouts([0, 16, 2, 112, 112], channels=channels) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [("nfhwc", [0, 1, 2, 3, 4]), ("nfchw", [0, 1, 4, 2, 3]), ("ncfhw", [0, 4, 1, 2, 3])],
)
def test_axes_between(target: str, expected: list[int]) -> None:
    assert axes_between("nfhwc", target) == expected


@pytest.mark.parametrize(
    ("path", "dims", "num_scores", "start", "end"),
    [
        ("a.onnx", [0, 16, 3, 64, 64], 400, "a.onnx -o model.onnx --labels 400_NAMES", ""),
        ("a.onnx", [0, 0, 3, 64, 64], 0, "a.onnx -o model.onnx --labels NAME,NAME", FREE),
        ("a b", [0, 3, 3, 64, 64], 2, "'a b' -o model.onnx --labels NAME,NAME", " --layout nfchw"),
    ],
)
def test_adoption_command(
    path: str, dims: list[int], num_scores: int, start: str, end: str
) -> None:
    expected = f"rtaction export {start} --clip-seconds SECONDS --scale 0..1{end}"
    assert adoption_command(path, dims, num_scores) == expected
