"""Face networks from ONNX files."""

from pathlib import Path

from affectsk.exceptions import ModelFileError
from affectsk.vision._networks._model_inputs import (
    check_classes,
    check_crops,
    check_normalisation,
    check_size,
    check_template,
)
from affectsk.vision._networks._model_outputs import class_outputs, softmax_scores
from affectsk.vision._networks._onnx_session import open_session

__all__ = ["OnnxFaceModel"]

_MEAN = (123.675, 116.28, 103.53)
_STD = (58.395, 57.12, 57.375)


class OnnxFaceModel:
    """A face network in an ONNX file, run by onnxruntime.

    The network ends in a linear layer. What goes into that layer is the embedding, what comes out
    are the logits, and one forward pass gives both. A network without such a layer gives
    embeddings only.

    Parameters
    ----------
    path : str or path-like
        The file. It is read here, and again in each process that runs it.
    input_size : int, default=None
        Side of the square crops in pixels; None where the file tells it.
    mean : sequence of three float, default=(123.675, 116.28, 103.53)
        Mean of the red, green and blue values, from 0 to 255, that the network was trained with;
        that of ImageNet by default.
    std : sequence of three float, default=(58.395, 57.12, 57.375)
        Their standard deviation.
    classes : sequence of str, default=None
        Names of the expressions that the logits stand for; None for their numbers.
    affect : bool, default=False
        Whether two more values, valence and arousal, follow the logits.
    template : ndarray of shape (5, 2), default=None
        Where the landmarks (eyes, nose, mouth corners) of the aligned faces that the network was
        trained on lie, in units of the side; None for faces that were cut out by their box.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, or ``"cuda:1"`` for one of several; ``"auto"`` takes CUDA where the
        installed onnxruntime can.
    n_threads : int, default=None
        Threads on the CPU. By default all cores, or, in a worker of `joblib`, its share of them.

    Attributes
    ----------
    name : str
        Name of the file.
    git_sha1 : str
        The checksum that git would give the file; where tensors lie in other files, one of all.
    outputs : dict of str to tuple of str
        Names of the columns of each kind of output: ``"embeddings"`` (``embedding_0``, ...),
        ``"logits"`` (``logit_<class>``, then ``valence`` and ``arousal``) and ``"scores"``
        (``p_<class>``, then ``valence`` and ``arousal``).

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, or no network of the form above. Nothing in it is run but
        operators of ONNX, and no tensor is read from outside its folder.
    ValueError
        If a parameter is invalid, or there is no such device.
    RuntimeError
        If CUDA is asked for and onnxruntime cannot use it.

    See Also
    --------
    TorchFaceModel : The same for a module of torch.
    FaceEmbedder : Runs it.

    Notes
    -----
    The normalisation ``(x - mean) / std`` is part of the graph that is run: the division is folded
    into the weights of the first convolution, the subtraction stays, because folded into the bias
    it would be wrong wherever the convolution pads with zeros. The crops go in as bytes. Scores
    are the softmax of the logits of the classes; valence and arousal stay as they are.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import onnx
    >>> from affectsk.vision import OnnxFaceModel
    >>> network = onnx.parser.parse_model('''
    ...     <ir_version: 8, opset_import: ["": 11]>
    ...     net (float[batch, 3, 16, 16] input) => (float[batch, 2] output)
    ...         <float[2, 3] weight = {1, 0, 0, 0, 0, 1}>
    ...     {
    ...         pooled = GlobalAveragePool(input)
    ...         flat = Flatten(pooled)
    ...         output = Gemm<transB: int = 1>(flat, weight)
    ...     }''')
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "colour.onnx")
    ...     onnx.save(network, path)
    ...     model = OnnxFaceModel(path, mean=(0, 0, 0), std=(1, 1, 1), classes=["red", "blue"])
    ...     given = model.embed(np.full((1, 16, 16, 3), (7, 8, 9), np.uint8))
    >>> model.input_size, model.outputs["logits"]
    (16, ('logit_red', 'logit_blue'))
    >>> given["embeddings"], given["logits"]
    (array([[7., 8., 9.]], dtype=float32), array([[7., 9.]], dtype=float32))
    """

    def __init__(
        self,
        path,
        *,
        input_size=None,
        mean=_MEAN,
        std=_STD,
        classes=None,
        affect=False,
        template=None,
        device="auto",
        n_threads=None,
    ):
        self.path = Path(path).absolute()  # other processes may work in other folders
        self.mean, self.std = check_normalisation(mean, std)
        self.classes = check_classes(classes)
        self.affect = affect
        self.template = check_template(template)
        self.device = device
        self.n_threads = n_threads
        self.name = self.path.name
        self._given_size = check_size(input_size)
        session = self._session()
        self.input_size = session.input_size
        self.git_sha1 = session.git_sha1
        self.outputs = class_outputs(
            session.widths, self.classes, affect, f"The model file {str(self.path)!r}"
        )

    def embed(self, crops):
        """Turn crops into features.

        Parameters
        ----------
        crops : ndarray of shape (n, input_size, input_size, 3), uint8
            Faces, RGB.

        Returns
        -------
        dict of str to ndarray of shape (n, n_columns), float32
            One array per key of `outputs`.

        Raises
        ------
        ModelFileError
            If the file is no longer what it was.
        ValueError
            If the crops are of another form.
        """
        check_crops(crops, self.input_size)
        session = self._session()
        if session.git_sha1 != self.git_sha1:
            raise ModelFileError(
                f"The model file {str(self.path)!r} has changed since it was read; create the "
                "OnnxFaceModel again."
            )
        return softmax_scores(session.run(crops), self.affect)

    def _session(self):
        """Return the session of the file in this process."""
        return open_session(
            self.path,
            input_size=self._given_size,
            mean=self.mean,
            std=self.std,
            device=self.device,
            n_threads=self.n_threads,
        )
