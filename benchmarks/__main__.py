"""Every benchmark, or those named: ``python -m benchmarks [NAME ...]``.

Writes ``benchmarks/results/<name>.json``, and from all results there ``docs/benchmarks.md``.
"""

import importlib
import json
import os
import platform
import sys
from pathlib import Path

from benchmarks._measure import RESULTS, report

TITLES = {
    "imports": "Import",
    "temporal": "Time",
    "heads": "Heads",
    "decision": "Decisions",
    "tuning": "Tuning",
    "vision": "Faces",
    "real": "Clips of another tool",
    "rendered": "Rendered data",
    "gains": "What the steps of a decision are worth",
    "sequence": "Networks along time, streams and sound",
}
# Measured on machines that not everybody has.
ELSEWHERE = {"sequence_gpu": "Networks along time on a GPU"}
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

As measured, also where a bound is not reached. Speeds are ratios within one run, medians of repeats
in turn with the reference. Repeat them on a quiet machine with `tox run -e benchmarks`, or one with
`python -m benchmarks temporal`. Real recordings are read from `../shared/data`; without them,
`vision`, `real`, `gains` and `sequence` cannot run.

Of face networks there are no figures from a GPU here yet. Where onnxruntime-gpu finds one,
`python -m benchmarks._vision_crops --device cuda` prints crops per second, their share of the
forward floor, and what limits. `python -m benchmarks._sequence_training` measures networks along
time on one.

Measured on: {machine}.
"""


def write_page():
    """Write one table per benchmark that has results."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    parts = [INTRODUCTION.format(machine=machine)]
    for name, title in (TITLES | ELSEWHERE).items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            parts.append(f"\n## {title}\n\n{table(json.loads(path.read_text()))}")
    PAGE.write_text("".join(parts))


def table(results):
    """Return results as a table of Markdown."""
    lines = ["| what | measured | bound | unit | reached | how |", "|---|---:|---:|---|---|---|"]
    for what, row in results.items():
        reached = {True: "yes", False: "**no**", None: ""}[row["reached"]]
        cells = (what, row["measured"], row["bound"], row["unit"], reached, row["note"])
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for chosen in sys.argv[1:] or TITLES:
        print(f"\n{chosen}")
        report(chosen, importlib.import_module(f"benchmarks.{chosen}").run())
    write_page()
