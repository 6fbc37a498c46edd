"""`--ray`, with and without an address."""

from __future__ import annotations

import pytest

from rtaction.cli.ray_address import with_address


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("m.onnx v --ray", "m.onnx v --ray local"),
        ("--ray m.onnx v", "--ray local m.onnx v"),
        ("m.onnx v --ray -o out.csv", "m.onnx v --ray local -o out.csv"),
        ("m.onnx v --ray auto", "m.onnx v --ray auto"),
        ("--ray head.example:6379 m.onnx v", "--ray head.example:6379 m.onnx v"),
        ("--ray [::1]:6379 m.onnx", "--ray [::1]:6379 m.onnx"),
        ("--ray ray://10.0.0.1:10001 m.onnx", "--ray ray://10.0.0.1:10001 m.onnx"),
        ("--ray=auto m.onnx v", "--ray=auto m.onnx v"),
        ("--ray s3://bucket/v", "--ray local s3://bucket/v"),
        ("m.onnx -- --ray", "m.onnx -- --ray"),
        ("m.onnx v", "m.onnx v"),
    ],
)
def test_an_address_may_be_left_out(words: str, expected: str) -> None:
    assert with_address(words.split()) == expected.split()
