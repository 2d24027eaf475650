"""Networks along time, streams and sound: ``python -m benchmarks.sequence [PART ...]``.

The parts are `training`, `prediction`, `streaming`, `sound`, `adaptive` and `gains`; those named
are measured again, the others keep their last results. On a machine with CUDA,
``python -m benchmarks._sequence_training`` fills a table of its own.
"""

import json
import sys

from benchmarks import _adaptive, _sequence_gains, _sequence_training, _sound, _streaming
from benchmarks._measure import RESULTS, report

PARTS = {
    "training": _sequence_training.training,
    "prediction": _sequence_training.prediction,
    "streaming": _streaming.run,
    "sound": _sound.run,
    "adaptive": _adaptive.run,
    "gains": _sequence_gains.run,
}


def run(names=tuple(PARTS)):
    """Return the results of some parts, after those of earlier runs of the others."""
    path = RESULTS / "sequence.json"
    before = json.loads(path.read_text()) if path.exists() and set(names) != set(PARTS) else {}
    for name in names:
        print(name, flush=True)
        before |= PARTS[name]()
    return before


if __name__ == "__main__":
    report("sequence", run(sys.argv[1:] or tuple(PARTS)))
