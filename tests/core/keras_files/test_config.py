"""A stored config may name what the user has given besides what Keras has, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rtaction.errors import ModelUnsafe
from rtaction.keras_files.config import vetted
from rtaction.keras_tensorflow import keras


class Mine(keras.layers.Layer):  # type: ignore[misc]
    pass


class Other(keras.layers.Layer):  # type: ignore[misc]
    pass


def _config() -> dict[str, Any]:
    model = keras.Sequential([keras.Input((2,)), Mine(name="mine")])
    found: dict[str, Any] = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    return found


def test_a_class_that_is_given_is_allowed() -> None:
    clean = vetted(_config(), "a file", own={"Mine": Mine})
    assert clean["config"]["layers"][1]["class_name"] == "Mine"


@pytest.mark.parametrize("own", [{}, {"Mine": len}, {"Other": Other}])
def test_a_class_that_is_not_given_is_refused(own: dict[str, Any]) -> None:
    with pytest.raises(ModelUnsafe, match=r"'mine' \(Mine\) is not a Keras layer"):
        vetted(_config(), "a file", own=own)


@pytest.mark.parametrize("own", [{"Mine": Mine}, {"Mine": Mine, "system": Other}])
def test_a_function_that_is_not_given_is_refused_inside_of_one_that_is(
    own: dict[str, Any],
) -> None:
    config = _config()
    config["config"]["layers"][1]["config"]["activation"] = {
        "module": "builtins",
        "class_name": "function",
        "config": "system",
        "registered_name": "system",
    }
    with pytest.raises(ModelUnsafe, match="the function 'system' of 'builtins'"):
        vetted(config, "a file", own=own)


def test_python_code_in_the_file_is_refused_although_it_is_given() -> None:
    config = _config()
    config["config"]["layers"][1] |= {"class_name": "Lambda", "registered_name": "Lambda"}
    with pytest.raises(ModelUnsafe, match="Python code stored in the file"):
        vetted(config, "a file", own={"Lambda": Mine})
