"""Arguments of the command line, and which function each command is."""

import argparse
import sys

from affectsk.cli._features import write_features
from affectsk.cli._quickstart import run_quickstart

__all__ = ["main"]


def main(arguments=None):
    """Run a command, and leave with its exit status.

    Parameters
    ----------
    arguments : list of str, default=None
        What stands after the name of the program; by default that of this process.

    Raises
    ------
    SystemExit
        With status 1 and a message where a command fails on its input, 2 where the arguments are
        wrong.
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError) as error:
        sys.exit(f"affectsk: {error}")


def _parser():
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="affectsk", description="From face videos to affect, as scikit-learn estimators."
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    quickstart = commands.add_parser(
        "quickstart",
        help="make a small corpus of rendered faces, train on it, score and save",
        description="Renders a small corpus of faces, extracts features, trains heads for "
        "valence-arousal, expressions and action units, smooths, scores by video, and saves the "
        "fitted pipelines and the predictions of every frame. Everything is rendered: the scores "
        "say nothing about real faces.",
    )
    quickstart.add_argument("folder", nargs="?", default="quickstart", help="default: %(default)s")
    quickstart.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    quickstart.set_defaults(run=lambda o: run_quickstart(o.folder, seed=o.seed))

    features = commands.add_parser(
        "features",
        help="features of the largest face in every frame of videos",
        description="Finds the largest face in every frame and writes one row per frame: time, "
        "box, detection score and features; empty where there is no face.",
    )
    features.add_argument("videos", nargs="+", metavar="VIDEO")
    features.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="a .parquet or .csv file"
    )
    features.add_argument("--step", type=int, default=1, help="use every STEP-th frame")
    features.set_defaults(run=lambda o: write_features(o.videos, o.output, step=o.step))
    return parser
