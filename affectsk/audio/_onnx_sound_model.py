"""Networks for sound in ONNX files."""

import functools
import os
from pathlib import Path

import numpy as np

from affectsk.audio._mel import decibel_spectra, short_windows
from affectsk.exceptions import ModelFileError
from affectsk.inference import n_default_threads, read_graph, running, start_session

__all__ = ["OnnxSoundModel", "file_stamp"]

# Of the spectra that OpenL3 takes.
_N_FFT = 2048
_MEL_HOP = 242
_BATCH = 32
_FORMS = (
    "(batch, n_samples) of sound, or (batch, n_mels, n_frames), (batch, n_mels, n_frames, 1) or "
    "(batch, 1, n_mels, n_frames) of spectra"
)


def file_stamp(path):
    """Return what tells that a file is still the same, or raise an error if there is none."""
    try:
        state = path.stat()
    except OSError as error:
        raise ModelFileError(
            f"The model file {str(path)!r} cannot be read ({error.strerror}); check the path."
        ) from error
    return state.st_size, state.st_mtime_ns


@functools.lru_cache(maxsize=4)
def _open_session(path, stamp, device, process):
    """Return a session, and the checksum that git would give its file."""
    model, git_sha1 = read_graph(path)
    return start_session(model, path, device, n_default_threads()), git_sha1


def _positive(name, value, default):
    """Return a value or what it is by default, if it is positive."""
    value = default if value is None else value
    if not value > 0:
        raise ValueError(f"{name}={value!r} must be positive.")
    return value


class OnnxSoundModel:
    """A network for sound in an ONNX file, as a model for `AudioEmbedder`.

    Parameters
    ----------
    path : str or path-like
        The file. Its one input is sound of shape (batch, n_samples), or spectra on the mel scale
        of shape (batch, n_mels, n_frames), (batch, n_mels, n_frames, 1) or
        (batch, 1, n_mels, n_frames). It gives a row per step, (batch, n_steps, n_features), or for
        each stretch of sound one vector, (batch, n_features).
    sampling_rate : int, default=None
        Rate of the sound that it takes, in Hz; by default 16000, and 48000 for spectra.
    window_seconds : float, default=None
        Length of the stretch of sound that one step, or one vector, is made from; by default 0.025
        for a network that gives a row per step, otherwise 1.0.
    step_seconds : float, default=None
        Time from one step to the next; by default 0.02 for a network that gives a row per step,
        where it must be that of the network, otherwise 0.1.
    output : str, default=None
        Name of the output that is used; by default the only one.
    device : str, default="auto"
        ``"auto"`` (CUDA where onnxruntime has it, otherwise the CPU), ``"cpu"``, ``"cuda"`` or
        ``"cuda:1"``.

    Attributes
    ----------
    name : str
        Name of the file.
    step_samples, min_samples : int
        Samples from one step to the next, and of a window.
    context_steps : int
        0: windows are independent of each other.
    feature_names : tuple of str
        ``embedding_0`` and so on.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, or holds no such network.
    ValueError
        If a parameter is not positive, or there is no such device.

    See Also
    --------
    AudioEmbedder : Runs it.

    Notes
    -----
    Spectra are those of OpenL3: magnitudes of Hann windows of 2048 samples every 242 samples, the
    first one centred at the beginning (zeros before and after), in triangular filters of Slaney's
    mel scale, each divided by half its width in Hz; then ``10 * log10`` of at least 1e-10, less
    the largest value, and not below -80.

    References
    ----------
    .. [1] J. Cramer et al., "Look, listen, and learn more: design choices for deep audio
       embeddings", ICASSP 2019: OpenL3, windows of a second at 48 kHz, 10 times a second.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import onnx
    >>> from affectsk.audio import AudioEmbedder, OnnxSoundModel
    >>> network = onnx.parser.parse_model('''
    ...     <ir_version: 8, opset_import: ["": 11]>
    ...     net (float[batch, samples] sound) => (float[batch, 1] mean)
    ...     { mean = ReduceMean<axes: ints = [1]>(sound) }''')
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "mean.onnx")
    ...     onnx.save(network, path)
    ...     model = OnnxSoundModel(path, window_seconds=0.5, step_seconds=0.5)
    ...     features = AudioEmbedder(model).transform([np.repeat([0.25, 0.75], 8000)])
    >>> features[0].ravel()
    array([0.25, 0.75], dtype=float32)
    """

    context_steps = 0

    def __init__(
        self,
        path,
        *,
        sampling_rate=None,
        window_seconds=None,
        step_seconds=None,
        output=None,
        device="auto",
    ):
        self.path = Path(path).absolute()  # other processes may work in other folders
        self.name = self.path.name
        self.output = output
        self.device = device
        given = self._session().get_inputs()
        is_known = len(given) == 1 and given[0].type == "tensor(float)"
        if not is_known or len(given[0].shape) not in (2, 3, 4):
            found = ", ".join(f"{each.name} {each.type} {each.shape}" for each in given)
            raise self._misfit(f"takes {found}, expected one float32 input of shape {_FORMS}")
        self._input = given[0].name
        self._batch, *self._shape = given[0].shape
        self._takes_sound = len(self._shape) == 1
        default_rate = 16000 if self._takes_sound else 48000
        self.sampling_rate = _positive("sampling_rate", sampling_rate, default_rate)
        n_fixed = self._shape[0] if self._takes_sound else None
        is_fixed = isinstance(n_fixed, int)
        default_window = n_fixed / self.sampling_rate if is_fixed else 1.0
        self.min_samples = self._n_samples("window_seconds", window_seconds, default_window)
        if is_fixed and self.min_samples != n_fixed:
            raise self._misfit(
                f"takes {n_fixed} samples, and window_seconds={window_seconds!r} makes "
                f"{self.min_samples}; leave it out"
            )
        if not self._takes_sound:
            place, self._shape = self._spectrum_shape()
            self._n_mels = self._shape[place]
        example = self._run(np.zeros((1, self.min_samples), np.float32))
        self._gives_steps = self._takes_sound and example.ndim == 3
        if example.ndim != 2 and not self._gives_steps:
            raise self._misfit(
                f"gives an array of shape {example.shape} for one stretch of sound, expected "
                "(1, n_features), or (1, n_steps, n_features) for a network that takes sound"
            )
        if self._gives_steps:
            self.min_samples = self._n_samples("window_seconds", window_seconds, 0.025)
        default_step = 0.02 if self._gives_steps else 0.1
        self.step_samples = self._n_samples("step_seconds", step_seconds, default_step)
        if self._gives_steps:
            self._check_step(is_fixed)
        self.feature_names = tuple(f"embedding_{i}" for i in range(example.shape[-1]))

    def embed(self, samples):
        """Turn sound into features.

        Parameters
        ----------
        samples : ndarray of shape (n_samples,), float32
            Sound of one channel at `sampling_rate`, at least `min_samples`.

        Returns
        -------
        ndarray of shape (n_steps, n_features), float32
            Features of each step.

        Raises
        ------
        ModelFileError
            If the network fails.
        """
        if self._gives_steps:
            return self._run(samples[np.newaxis])[0]
        windows = short_windows(samples, self.min_samples, self.step_samples)
        n_at_once = self._batch if isinstance(self._batch, int) else _BATCH
        starts = range(0, len(windows), n_at_once)
        return np.concatenate([self._run(windows[i : i + n_at_once]) for i in starts])

    def _run(self, windows):
        """Return what the network gives for stretches of sound (n, n_samples)."""
        values = np.ascontiguousarray(windows)
        if not self._takes_sound:
            spectra = [self._spectrum(window) for window in windows]
            values = np.stack(spectra).reshape(len(windows), *self._shape)
        n_windows = len(values)
        if isinstance(self._batch, int) and n_windows < self._batch:
            values = np.resize(values, (self._batch, *values.shape[1:]))
        session = self._session()
        with running(self.path):
            [output] = session.run([self._output_name(session)], {self._input: values})
        return output[:n_windows]

    def _spectrum(self, window):
        """Return the spectrum (n_mels, n_frames) of a stretch of sound."""
        return decibel_spectra(
            window, self.sampling_rate, n_fft=_N_FFT, hop=_MEL_HOP, n_bands=self._n_mels
        )

    def _spectrum_shape(self):
        """Return where the bands stand in the shape of a spectrum, and that shape."""
        shape, n_frames = list(self._shape), self.min_samples // _MEL_HOP + 1
        first = 1 if len(shape) == 3 and shape[0] == 1 else 0
        others = shape[:first] + shape[first + 2 :]
        is_spectrum = others in ([], [1]) and isinstance(shape[first], int)
        if not is_spectrum or (isinstance(shape[first + 1], int) and shape[first + 1] != n_frames):
            raise self._misfit(
                f"takes an input of shape {[self._batch, *shape]}, expected {_FORMS}; at "
                f"{self.sampling_rate} Hz, {self.min_samples / self.sampling_rate:g} seconds make "
                f"{n_frames} frames"
            )
        shape[first + 1] = n_frames
        return first, shape

    def _check_step(self, is_fixed):
        """Check that the network gives a row per step, however long the sound is."""
        if is_fixed:
            raise self._misfit(
                "takes a fixed number of samples and gives rows for parts of them, expected any "
                "number of samples"
            )
        length = 4 * max(self.sampling_rate, self.min_samples)
        short, long = (
            self._run(np.zeros((1, factor * length), np.float32)).shape[1] for factor in (1, 2)
        )
        if abs((long - short) * self.step_samples - length) > self.step_samples:
            found = length / max(long - short, 1) / self.sampling_rate
            raise ValueError(
                f"step_seconds={self.step_samples / self.sampling_rate:g} is not the step of the "
                f"network in {self.name!r}, which gives a row for about {found:.4g} seconds; pass "
                "its own step."
            )

    def _n_samples(self, name, seconds, default):
        """Return a time as a number of samples."""
        return max(1, round(_positive(name, seconds, default) * self.sampling_rate))

    def _output_name(self, session):
        """Return the name of the output that is used."""
        names = [output.name for output in session.get_outputs()]
        if self.output in names:
            return self.output
        if self.output is None and len(names) == 1:
            return names[0]
        raise ValueError(
            f"output={self.output!r} must name one of the outputs of {self.name!r}: {names!r}."
        )

    def _misfit(self, what):
        """Return the error for a network of another form."""
        return ModelFileError(f"The model file {str(self.path)!r} {what}; export the network so.")

    def _session(self):
        """Return the session of the file in this process."""
        session, git_sha1 = _open_session(
            self.path, file_stamp(self.path), self.device, os.getpid()
        )
        self._git_sha1 = getattr(self, "_git_sha1", git_sha1)
        if git_sha1 != self._git_sha1:
            raise ModelFileError(
                f"The model file {str(self.path)!r} has changed since it was read; create the "
                "OnnxSoundModel again."
            )
        return session
