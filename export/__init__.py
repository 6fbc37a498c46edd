"""Trained models into one ONNX file that carries its own contract."""

from rtaction.room import refuse_calls

refuse_calls(__name__, 'rtaction.export_model("run/", "model.onnx")')
