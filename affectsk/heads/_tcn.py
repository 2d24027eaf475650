"""What the temporal convolutional networks share: parameters, architecture, windows."""

from numbers import Integral, Real

from affectsk.compat import Interval, StrOptions
from affectsk.heads._frame_windows import context_blocks, shifted_windows
from affectsk.heads._streams import read_channels, read_streams, stream_means
from affectsk.heads._train_head import TRAINING_CONSTRAINTS, layer_widths

__all__ = [
    "TCN_CONSTRAINTS",
    "WindowedTCN",
    "context_frames",
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


def _architecture(estimator, n_features, n_outputs, output_activation):
    """Return the arguments of the network, and check those that go together."""
    channels = read_channels(estimator.channels, estimator.streams_)
    _check_windows(estimator, estimator.encoder_layers)
    _check_encoder(estimator, sum(widths[-1] for widths in channels))
    return {
        "n_features": n_features,
        "hidden_layer_sizes": layer_widths(estimator.hidden_layer_sizes),
        "n_outputs": n_outputs,
        "streams": list(estimator.streams_.values()),
        "channels": channels,
        "kernel_size": int(estimator.kernel_size),
        "causal": bool(estimator.causal),
        "dropout": float(estimator.dropout),
        "encoder_layers": int(estimator.encoder_layers),
        "encoder_heads": int(estimator.encoder_heads),
        "output_activation": output_activation,
        "normalised": False,
    }


def _check_windows(estimator, encoder_layers):
    """Raise where windows would leave frames out, or cannot be joined."""
    if estimator.shift > estimator.window:
        raise ValueError(
            f"shift={estimator.shift!r} is larger than window={estimator.window!r}, so that frames "
            "between two windows would be left out; use a shift of at most the window."
        )
    if estimator.overlap == "full" and encoder_layers:
        raise ValueError(
            f"overlap='full' has no context to take for encoder_layers={encoder_layers!r}, since "
            "attention looks at the whole window; use overlap='average', or encoder_layers=0."
        )


def _check_encoder(estimator, width):
    """Raise where the heads of the encoder do not share out its width."""
    if estimator.encoder_layers and width % estimator.encoder_heads:
        raise ValueError(
            f"encoder_heads={estimator.encoder_heads!r} must divide the {width} channels that the "
            "streams end in together; change the last channels, or the heads."
        )


def context_frames(architecture):
    """Return how many earlier and later frames an output of a network depends on.

    Parameters
    ----------
    architecture : dict
        `architecture_` of a network along time without an encoder.

    Returns
    -------
    before, after : int
        Together 2 (k - 1) (2**L - 1) frames, for L blocks of k taps.

    Examples
    --------
    >>> context_frames({"kernel_size": 3, "channels": [(8, 8, 8)], "causal": True})
    (28, 0)
    """
    before = after = 0
    for i in range(max(map(len, architecture["channels"]))):
        reach = (architecture["kernel_size"] - 1) * 2**i
        left = reach if architecture["causal"] else reach // 2
        before, after = before + 2 * left, after + 2 * (reach - left)
    return before, after


class WindowedTCN:
    """What the classifier and the regressor do alike: windows, and streams that may be missing."""

    @property
    def takes_missing_sources(self):
        """Whether a row may be missing in some columns and not in others: with streams."""
        return self.streams is not None or len(getattr(self, "streams_", ())) > 1

    def _set_architecture(self, frames, n_outputs, output_activation="identity"):
        """Set the streams, and the arguments of the network."""
        names = getattr(self, "feature_names_in_", None)
        n_features = frames.values.shape[1]
        self.streams_ = read_streams(self.streams, n_features, names)
        self.architecture_ = _architecture(self, n_features, n_outputs, output_activation)

    def _training_options(self, frames):
        """Return the arguments of the network that only training needs."""
        fill = stream_means(frames.values, self.streams_)
        return {"fill": fill, "normalised": True, "bfloat16": self.precision == "bfloat16"}

    def _training_windows(self, offsets):
        """Return windows that overlap."""
        return shifted_windows(offsets, self.window, self.shift)

    def _validation_windows(self, offsets):
        """Return windows in which every frame counts once."""
        return context_blocks(offsets, self.window, 0, 0)

    def _prediction_windows(self, offsets):
        """Return overlapping windows, or blocks with all that their outputs depend on."""
        _check_windows(self, self.architecture_["encoder_layers"])
        if self.overlap == "average":
            return self._training_windows(offsets)
        return context_blocks(offsets, _BLOCK, *context_frames(self.architecture_))
