"""Fitted models as files for programs without Python."""

from affectsk.export._export_onnx import export_onnx

__all__ = ["export_onnx"]
