"""ONNX files of networks of any kind: read with care, and started on the device that is wanted."""

from affectsk.inference._read_graph import read_graph
from affectsk.inference._start_session import n_default_threads, running, start_session

__all__ = ["n_default_threads", "read_graph", "running", "start_session"]
