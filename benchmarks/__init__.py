"""Runnable benchmarks, one module per question: ``python -m benchmarks.<name>``.

A module with `run() -> dict` gives numbers with bounds: name -> ``measured``, ``bound``, ``unit``,
``reached`` and ``note`` (see `benchmarks._measure`).
"""
