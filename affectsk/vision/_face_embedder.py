"""Transformer from images and videos of faces to features."""

from numbers import Integral
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, TransformerMixin
from tqdm import tqdm

from affectsk.compat import CollectionOutputMixin, HasMethods, Interval, StrOptions, wrap_output
from affectsk.media import (
    check_image_files,
    check_images,
    check_videos,
    media_kind,
    read_batches,
    read_image,
)
from affectsk.vision._embedding import check_found, embed_crops, embed_faces, main_faces
from affectsk.vision._face_detector import FaceDetector
from affectsk.vision._face_model import load_model, output_names

__all__ = ["FaceEmbedder"]


class FaceEmbedder(
    CollectionOutputMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Turn faces into features.

    Images, or paths of images, become one row each; paths of videos become a collection, that is
    a list with one array per video and one row per frame. There is nothing to fit.

    Parameters
    ----------
    model : {"default"} or FaceModel, default="default"
        What embeds the faces. ``"default"`` needs no download and no GPU: it describes the
        aligned face by 1024 averages of the inner layers of MTCNN's last network.
    output : str, default="embeddings"
        Kinds of output that the model offers, such as ``"embeddings"``, ``"logits"`` or both as
        ``"embeddings+logits"``. The default model offers ``"embeddings"``.
    detector : {"mtcnn"} or FaceDetector, default=None
        What finds the faces; the largest one of an image counts. By default, the images are
        crops of a face already; videos need a detector.
    on_missing : {"nan", "raise"}, default="nan"
        What an image without a face gives: a row of NaN, or an error.
    resize : {"pil", "cv2"}, default="pil"
        How crops are resized for a model that does not align faces: bilinear with an
        antialiasing filter as in Pillow, or without one as in OpenCV. The square comes out
        without regard to the aspect.
    batch_size : int, default=32
        Images, or frames of a video, that are held in memory and go through the model together.
    device : str, default="auto"
        Torch device of models and detectors that are given by name; ``"auto"`` takes CUDA, then
        MPS, then the CPU.
    n_jobs : int, default=None
        Processes that share the batches of images or the videos, as in `joblib`.

    See Also
    --------
    FaceDetector : Finds the faces.
    FaceModel : What another model must offer.
    extract_features : The same for whole videos, as a frame table with times and boxes.

    Notes
    -----
    Aligned faces are turned, scaled and moved by the least-squares similarity of their five
    landmarks to the template of the model. For crops, MTCNN's last network finds the landmarks
    in the crop itself, and the usual ones are taken where it does not see a face.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.vision import FaceEmbedder
    >>> crop = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    >>> FaceEmbedder().fit_transform([crop, crop[:, ::-1]]).shape
    (2, 1024)
    """

    _parameter_constraints = {
        "model": [str, HasMethods("embed")],
        "output": [str],
        "detector": [str, HasMethods("detect"), None],
        "on_missing": [StrOptions({"nan", "raise"})],
        "resize": [StrOptions({"pil", "cv2"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        model="default",
        *,
        output="embeddings",
        detector=None,
        on_missing="nan",
        resize="pil",
        batch_size=32,
        device="auto",
        n_jobs=None,
    ):
        self.model = model
        self.output = output
        self.detector = detector
        self.on_missing = on_missing
        self.resize = resize
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs

    def fit(self, X, y=None):
        """Check the parameters and the kind of X; there is nothing to learn.

        Parameters
        ----------
        X : list of images or paths, or ndarray of shape (n_images, height, width, 3)
            As in `transform`.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The embedder.
        """
        self._validate_params()
        self._model_and_kinds()
        media_kind(X)
        return self

    def transform(self, X):
        """Embed the faces of images or videos.

        Parameters
        ----------
        X : list of images or paths, or ndarray of shape (n_images, height, width, 3)
            RGB images of dtype uint8, paths of images, or paths of videos.

        Returns
        -------
        ndarray of shape (n_images, n_features), float32, or list of such arrays
            One row per image; for videos, one array per video with one row per frame.

        Raises
        ------
        FileNotFoundError
            If a file is missing.
        ValueError
            If a parameter, an image or a file is invalid, videos come without a detector, or a
            face is missing under ``on_missing="raise"``.
        """
        self._validate_params()
        self._model_and_kinds()
        kind = media_kind(X)
        if kind == "videos":
            if self.detector is None:
                raise ValueError(
                    "detector=None takes images that are face crops; to embed the faces of videos "
                    "pass detector='mtcnn' or a FaceDetector."
                )
            paths = check_videos(X)
            return self._in_parallel(self._embed_video, [(path,) for path in paths], "video")
        items = check_images(X, "X") if kind == "images" else list(X)
        if kind == "image paths":
            check_image_files(items)
        starts = range(0, len(items), self.batch_size)
        blocks = [(items[start : start + self.batch_size], start) for start in starts]
        features = self._in_parallel(self._embed_block, blocks, "batch")
        return wrap_output(self, np.concatenate(features), X)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str
            Names, such as ``embedding_0``.
        """
        model, kinds = self._model_and_kinds()
        return np.array([name for kind in kinds for name in model.outputs[kind]], dtype=object)

    def _in_parallel(self, function, calls, unit):
        """Call a function with many arguments and return the results, showing how far it is."""
        results = Parallel(self.n_jobs, return_as="generator")(
            delayed(function)(*arguments) for arguments in calls
        )
        return list(tqdm(results, total=len(calls), desc="faces", unit=unit, delay=2))

    def _embed_block(self, items, first):
        """Embed some images or paths of images, the first of which is number `first`."""
        images = [read_image(item) if isinstance(item, str | Path) else item for item in items]
        if self.detector is None:
            model, kinds = self._model_and_kinds()
            return embed_crops(model, kinds, images, resize=self.resize, device=self.device)
        return self._detect_and_embed(images, [f"X[{first + i}]" for i in range(len(images))])

    def _embed_video(self, path):
        """Embed the frames of one video."""
        return np.concatenate(
            [
                self._detect_and_embed(
                    batch.images, [f"frame {index} of {str(path)!r}" for index in batch.indices]
                )
                for batch in read_batches(path, batch_size=self.batch_size)
            ]
        )

    def _detect_and_embed(self, images, names):
        """Find the largest face of each image and embed it."""
        detector = self.detector
        if isinstance(detector, str):
            detector = FaceDetector(detector, device=self.device)
        faces = main_faces(detector, images)
        if self.on_missing == "raise":
            check_found(faces, names)
        model, kinds = self._model_and_kinds()
        return embed_faces(model, kinds, images, faces, resize=self.resize)

    def _model_and_kinds(self):
        """Return the model and the kinds of output that are wanted of it."""
        model = load_model(self.model, self.device)
        return model, output_names(model, self.output)

    def __sklearn_is_fitted__(self):
        """There is nothing to fit."""
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        return tags
