"""Arguments of the command line, and which function each command is."""

import argparse
import os
import sys
import warnings

from affectsk.cli._detectors import read_detector
from affectsk.cli._features import write_feature_files
from affectsk.cli._models import fetch_models, print_models, verify_models
from affectsk.cli._predict import write_predictions
from affectsk.cli._quickstart import run_quickstart

__all__ = ["main"]

# Options that are arguments of extract_features; without one, its default holds.
_EXTRACTION = {
    "detector": {
        "metavar": "NAME[=FILE]",
        "action": "append",
        "help": "what finds the faces: mtcnn (default), yunet, retinaface or blazeface, all but "
        "the first with their file, or cropped for folders of crops; give it several times for a "
        "cascade, in which the next one looks where those before found nothing",
    },
    "faces": {
        "choices": ["largest", "all", "tracks"],
        "help": "the largest face of every frame (default), all faces, or those of each person",
    },
    "detect_every": {
        "type": int,
        "metavar": "K",
        "help": "detect faces in every K-th frame and follow them between; default: 1",
    },
    "step": {"type": int, "metavar": "K", "help": "use every K-th frame; default: 1"},
    "start": {"type": float, "metavar": "SECONDS", "help": "leave out what is before; default: 0"},
    "end": {"type": float, "metavar": "SECONDS", "help": "leave out what is from here on"},
    "first_frame": {
        "type": int,
        "choices": [0, 1],
        "help": "number of the first frame, 1 in the challenges; default: 0",
    },
}

# Options that are arguments of FaceEmbedder; without one, its default holds.
_EMBEDDING = {
    "align": {
        "choices": ["auto", "box", "landmarks"],
        "help": "cut faces out by their box, or align them by their landmarks; by default (auto) "
        "as the model says",
    },
    "resize": {
        "choices": ["pil", "cv2"],
        "help": "shrink faces with an antialiasing filter (default) or without",
    },
}

# Options of predict alone.
_PREDICTION = {
    "pipelines": {
        "flag": "--pipeline",
        "nargs": "+",
        "action": "extend",
        "metavar": "[TASK=]FILE",
        "help": "fitted pipelines, saved with joblib, or a folder of them; reading such a file "
        "runs code, so use only files that you trust. TASK is valence_arousal, expression or "
        "action_units, and may be left out where the file is named so, or holds a dict of them or "
        "an estimator of several tasks",
    },
    "half_width": {
        "type": int,
        "metavar": "N",
        "help": "without --pipeline: average the scores over N frames to each side, which also "
        "fills gaps; default: 0",
    },
    "allow_rendered_model": {
        "action": "store_true",
        "help": "use a pipeline that was trained on rendered faces, whose predictions for real "
        "faces are meaningless",
    },
}

_INTERRUPTED = 130  # the exit status of commands that the user stops
_FFMPEG_QUIET = "-8"

_PATHS = "a video, a folder of the frames of one, a folder of such, or a pattern in quotes"


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
        wrong, 130 where the user stops it.
    """
    options = _parser().parse_args(arguments)
    # FFmpeg reads this when the first video is opened, in processes started from here, too; what it
    # would print of a damaged file is told by warnings and errors.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _FFMPEG_QUIET)
    usual, warnings.formatwarning = warnings.formatwarning, _warning_line
    try:
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output, such as head, has seen enough. What is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        sys.exit(f"affectsk: {error}")
    except KeyboardInterrupt as stop:
        print("; ".join(["affectsk: stopped", *map(str, stop.args)]) + ".", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    finally:
        warnings.formatwarning = usual


def _warning_line(message, *where, line=None):
    """Return a warning without the line of code that it comes from."""
    return f"affectsk: warning: {message}\n"


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

    _add_features(commands)
    _add_predict(commands)
    _add_models(commands)
    return parser


def _add_features(commands):
    """Add the command ``features``."""
    parser = commands.add_parser(
        "features",
        help="features of the faces in every frame of videos",
        description="Finds the faces in every frame of videos and writes a row for each: time, "
        "box, detection score and features; empty where there is no face. Into a folder, only what "
        "is missing there or has changed is extracted: run the same command again to go on after a "
        "stop. load_features opens it.",
    )
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help=_PATHS,
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        help="a .parquet or .csv file, or a folder, in which each video has a file",
    )
    parser.add_argument(
        "--dtype",
        choices=["float32", "float16"],
        default="float32",
        help="type of the features; default: %(default)s",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of dask, such as tcp://192.168.0.1:8786, whose workers share the videos; they need "
        "the same files under the same paths",
    )
    _add_extraction(parser)
    parser.set_defaults(
        run=lambda o: write_feature_files(
            o.paths,
            o.output,
            model=o.model,
            model_output=o.model_output,
            device=o.device,
            dtype=o.dtype,
            n_jobs=o.n_jobs,
            scheduler=o.scheduler,
            **_given(o, _EMBEDDING),
            **_extraction(o),
        )
    )


def _add_predict(commands):
    """Add the command ``predict``."""
    parser = commands.add_parser(
        "predict",
        help="expression, valence, arousal and action units in every frame of videos",
        description="Predicts every frame of videos: by a published model, which needs no "
        "training, or by fitted pipelines. Frames without a face have empty predictions, unless "
        "something smooths them. Predictions describe how faces look to a model, not what people "
        "feel.",
    )
    parser.add_argument("videos", nargs="+", metavar="VIDEO", help=_PATHS)
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="a .parquet or .csv file"
    )
    _add_options(parser, _PREDICTION)
    _add_extraction(parser)
    parser.set_defaults(
        run=lambda o: write_predictions(
            o.videos,
            o.output,
            model=o.model,
            model_output=o.model_output,
            device=o.device,
            n_jobs=o.n_jobs,
            **_given(o, _PREDICTION),
            **_given(o, _EMBEDDING),
            **_extraction(o),
        )
    )


def _add_extraction(parser):
    """Add the options of every command that finds and embeds faces."""
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="model of faces: the name of a published one (see affectsk models list), an ONNX "
        "file, or 'default'",
    )
    parser.add_argument(
        "--model-output",
        metavar="KINDS",
        help="what to take from the model: embeddings, logits, scores or embeddings+logits",
    )
    parser.add_argument("--device", default="auto", help="where the model runs; default: auto")
    parser.add_argument("--n-jobs", type=int, metavar="N", help="processes that share the videos")
    _add_options(parser, _EMBEDDING)
    _add_options(parser, _EXTRACTION)


def _add_options(parser, options):
    """Add options, each of which is unknown unless it is given."""
    for name, facts in options.items():
        facts = {"flag": f"--{name.replace('_', '-')}", **facts}
        parser.add_argument(facts.pop("flag"), dest=name, default=argparse.SUPPRESS, **facts)


def _given(parsed, options):
    """Return those of some options that were given."""
    return {name: value for name, value in vars(parsed).items() if name in options}


def _extraction(options):
    """Return the arguments of `extract_features` that were given."""
    given = _given(options, _EXTRACTION)
    if "detector" in given:
        given["detector"] = read_detector(given["detector"], options.device)
    return given


def _add_models(commands):
    """Add the commands ``models list``, ``models fetch`` and ``models verify``."""
    parser = commands.add_parser(
        "models",
        help="published models of faces: what there is, on what terms, and their files",
        description="Published models of faces. Their files are kept in the folder that the "
        "environment variable AFFECTSK_HOME names, or in the user's folder for caches, and are "
        "verified before they are used.",
    )
    actions = parser.add_subparsers(required=True, metavar="action")

    actions.add_parser("list", help="list them").set_defaults(run=lambda o: print_models())

    fetch = actions.add_parser("fetch", help="download models, or take them from a local file")
    fetch.add_argument("names", nargs="+", metavar="NAME")
    fetch.add_argument("--path", metavar="FILE", help="local ONNX file of the one model named")
    fetch.add_argument(
        "--sha256", metavar="DIGITS", help="checksum of it, for a model whose own is not known"
    )
    fetch.set_defaults(run=lambda o: fetch_models(o.names, path=o.path, sha256=o.sha256))

    verify = actions.add_parser("verify", help="read the files in the cache again and check them")
    verify.add_argument("names", nargs="*", metavar="NAME", help="default: all in the cache")
    verify.set_defaults(run=lambda o: verify_models(o.names))
