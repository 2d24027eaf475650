"""What the temporal convolutional networks share: parameters, architecture, windows."""

from numbers import Integral, Real

from affectsk.compat import Interval, StrOptions
from affectsk.heads._frame_windows import context_blocks, shifted_windows
from affectsk.heads._streams import read_channels, read_streams, stream_means
from affectsk.heads._train_head import TRAINING_CONSTRAINTS, layer_widths

__all__ = [
    "TCN_CONSTRAINTS",
    "prediction_windows",
    "tcn_architecture",
    "training_options",
]

_BLOCK = 1024

_POSITIVE = Interval(Integral, 1, None, closed="left")
TCN_CONSTRAINTS = {
    **TRAINING_CONSTRAINTS,
    "channels": ["array-like", dict],
    "kernel_size": [_POSITIVE],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "causal": ["boolean"],
    "streams": [dict, None],
    "encoder_layers": [Interval(Integral, 0, None, closed="left")],
    "encoder_heads": [_POSITIVE],
    "window": [_POSITIVE],
    "shift": [_POSITIVE],
    "overlap": [StrOptions({"average", "full"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "precision": [StrOptions({"float32", "bfloat16"})],
}


def tcn_architecture(estimator, n_features, n_outputs, output_activation="identity"):
    """Return the arguments of the network of an estimator, and check those that go together.

    Parameters
    ----------
    estimator : estimator
        With the parameters of `TCN_CONSTRAINTS`; `feature_names_in_` where X has names.
    n_features : int
        Columns of X.
    n_outputs : int
        Width of the output.
    output_activation : str, default="identity"
        Applied to the output.

    Returns
    -------
    dict
        Arguments of `affectsk.nn.SequenceNet` for prediction.

    Raises
    ------
    ValueError
        If streams, channels, heads of the encoder, window and shift, or overlap do not fit.
    """
    streams = read_streams(
        estimator.streams, n_features, getattr(estimator, "feature_names_in_", None)
    )
    channels = read_channels(estimator.channels, streams)
    _check_windows(estimator)
    _check_encoder(estimator, sum(widths[-1] for widths in channels))
    return {
        "n_features": n_features,
        "hidden_layer_sizes": layer_widths(estimator.hidden_layer_sizes),
        "n_outputs": n_outputs,
        "streams": list(streams.values()),
        "channels": channels,
        "kernel_size": int(estimator.kernel_size),
        "causal": bool(estimator.causal),
        "dropout": float(estimator.dropout),
        "encoder_layers": int(estimator.encoder_layers),
        "encoder_heads": int(estimator.encoder_heads),
        "output_activation": output_activation,
        "normalised": False,
    }


def training_options(estimator, frames):
    """Return the arguments of the network that only training needs, beside the architecture.

    Parameters
    ----------
    estimator : estimator
        With `architecture_` and `precision`.
    frames : Frames
        The frames to train on.

    Returns
    -------
    dict
        Arguments of `affectsk.nn.SequenceNet`.
    """
    streams = dict(enumerate(estimator.architecture_["streams"]))
    fill = stream_means(frames.values, streams)
    return {"fill": fill, "normalised": True, "bfloat16": estimator.precision == "bfloat16"}


def prediction_windows(estimator, offsets):
    """Return the windows that predictions are made on.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    offsets : ndarray of shape (n_sequences + 1,), int64
        First place of each video, and the number of places.

    Returns
    -------
    FrameWindows
        Overlapping windows, or blocks with all that their outputs depend on.
    """
    if estimator.overlap == "average":
        return shifted_windows(offsets, estimator.window, estimator.shift)
    architecture = estimator.architecture_
    reach = architecture["kernel_size"] - 1
    before = after = 0
    for dilation in (2**i for i in range(max(map(len, architecture["channels"])))):
        left = reach * dilation if architecture["causal"] else reach * dilation // 2
        before, after = before + 2 * left, after + 2 * (reach * dilation - left)
    return context_blocks(offsets, _BLOCK, before, after)


def _check_windows(estimator):
    """Raise where windows would leave frames out, or cannot be joined."""
    if estimator.shift > estimator.window:
        raise ValueError(
            f"shift={estimator.shift!r} is larger than window={estimator.window!r}, so that frames "
            "between two windows would be left out; use a shift of at most the window."
        )
    if estimator.overlap == "full" and estimator.encoder_layers:
        raise ValueError(
            f"overlap='full' has no context to take for encoder_layers={estimator.encoder_layers!r}"
            ", since attention looks at the whole window; use overlap='average', or "
            "encoder_layers=0."
        )


def _check_encoder(estimator, width):
    """Raise where the heads of the encoder do not share out its width."""
    if estimator.encoder_layers and width % estimator.encoder_heads:
        raise ValueError(
            f"encoder_heads={estimator.encoder_heads!r} must divide the {width} channels that the "
            "streams end in together; change the last channels, or the heads."
        )
