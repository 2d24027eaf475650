"""Transformer from images and videos of faces to features."""

import os
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
from affectsk.vision._detection._face_detector import FaceDetector
from affectsk.vision._embedding import check_found, embed_crops, embed_faces, main_faces
from affectsk.vision._networks._face_model import load_model, output_names, pin_model
from affectsk.vision._networks._torch_state import is_module, pack_module, unpack_module

__all__ = ["FaceEmbedder"]


class FaceEmbedder(
    CollectionOutputMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Turn faces into features.

    Images, or paths of images, become one row each; paths of videos become a collection, that is
    a list with one array per video and one row per frame. There is nothing to fit.

    Parameters
    ----------
    model : str, path-like, torch.nn.Module or FaceModel, default="default"
        What embeds the faces:

        - ``"default"`` needs no download and no GPU: it describes the aligned face by 1024
          averages of the inner layers of MTCNN's last network.
        - The name of a published model, such as ``"enet_b0_8_best_vgaf"``, which is downloaded
          when it is first used; `affectsk.pretrained.list_models` describes them.
        - The path of an ONNX file, which ends in ``.onnx``. A published one is recognised by its
          checksum, and its classes and its normalisation are known. Any other gets that of
          ImageNet; `OnnxFaceModel` takes others.
        - ``"timm:NAME"``: an architecture of timm with timm's own weights. `TimmFaceModel` takes
          other weights.
        - A module for RGB images of 224 pixels, normalised as those of ImageNet.
          `TorchFaceModel` takes other sizes and normalisations.
        - Any object with the members of `FaceModel`.
    output : str, default="embeddings"
        Kinds of output that the model offers, joined by "+", such as ``"embeddings"``,
        ``"logits"``, ``"scores"`` (the softmax of the logits of the classes) or
        ``"embeddings+logits"``; they come from one forward pass. The default model offers
        ``"embeddings"``.
    detector : {"mtcnn"} or FaceDetector, default=None
        What finds the faces; the largest one of an image counts. By default, the images are
        crops of a face already; videos need a detector.
    on_missing : {"nan", "raise"}, default="nan"
        What an image without a face gives: a row of NaN, or an error.
    resize : {"pil", "cv2"}, default="pil"
        How faces that are not aligned are resized: bilinear with an antialiasing filter as in
        Pillow, or without one as in OpenCV. The square comes out without regard to the aspect.
    batch_size : int, default=32
        Images, or frames of a video, that are held in memory and go through the model together.
    device : str, default="auto"
        Device of models and detectors that are given by name, file or module; ``"auto"`` takes
        CUDA, then MPS, then the CPU.
    n_jobs : int, default=None
        Processes that share the batches of images or the videos, as in `joblib`.
    align : {"auto", "box", "landmarks"}, default="auto"
        How faces are cut out: by their box without any margin, as in the papers; or turned and
        scaled so that their landmarks come to lie on the template of the model, or on that of
        ArcFace where it has none. ``"auto"`` aligns faces for models with a template only.

    See Also
    --------
    FaceDetector : Finds the faces.
    FaceModel : What another model must offer.
    OnnxFaceModel : A network in an ONNX file.
    TorchFaceModel : A network of torch.
    TimmFaceModel : A network of timm.
    extract_features : The same for whole videos, as a frame table with times and boxes.

    Notes
    -----
    Aligned faces are turned, scaled and moved by the least-squares similarity of their five
    landmarks to the template of the model. For crops, MTCNN's last network finds the landmarks
    in the crop itself, and the usual ones are taken where it does not see a face.

    EmotiEffLib resizes as ``resize="pil"`` for its networks of torch, and as ``resize="cv2"`` for
    its ONNX files; each gives the same features here.

    References
    ----------
    .. [1] A. V. Savchenko, "Frame-level prediction of facial expressions, valence, arousal and
       action units for mobile devices", CVPR Workshops 2022.
    .. [2] J. Deng et al., "ArcFace: additive angular margin loss for deep face recognition", CVPR
       2019; its five landmarks are the template of ``align="landmarks"``.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.vision import FaceEmbedder
    >>> crop = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    >>> FaceEmbedder().fit_transform([crop, crop[:, ::-1]]).shape
    (2, 1024)
    """

    _parameter_constraints = {
        "model": [str, os.PathLike, HasMethods("embed"), HasMethods("forward")],
        "output": [str],
        "detector": [str, HasMethods("detect"), None],
        "on_missing": [StrOptions({"nan", "raise"})],
        "resize": [StrOptions({"pil", "cv2"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "n_jobs": [Integral, None],
        "align": [StrOptions({"auto", "box", "landmarks"})],
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
        align="auto",
    ):
        self.model = model
        self.output = output
        self.detector = detector
        self.on_missing = on_missing
        self.resize = resize
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs
        self.align = align

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
        self._check_parameters()
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
        self._check_parameters()
        kind = media_kind(X)
        if kind == "videos":
            if self.detector is None:
                raise ValueError(
                    "detector=None takes images that are face crops; to embed the faces of videos "
                    "pass detector='mtcnn' or a FaceDetector."
                )
            paths = [path.absolute() for path in check_videos(X)]  # for processes elsewhere
            return self._in_parallel(self._embed_video, [(path,) for path in paths], "video")
        items = check_images(X, "X") if kind == "images" else list(X)
        if kind == "image paths":
            check_image_files(items)
            items = [Path(item).absolute() for item in items]
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

    def _check_parameters(self):
        """Raise an error, before any work, if a parameter or one of the detector is invalid."""
        self._validate_params()
        self._model_and_kinds()
        if isinstance(self.detector, str | FaceDetector):
            self._finder().detect([])

    def _finder(self):
        """Return what finds the faces."""
        if isinstance(self.detector, str):
            return FaceDetector(self.detector, device=self.device)
        return self.detector

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
            return embed_crops(model, kinds, images, **self._cutting())
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
        faces = main_faces(self._finder(), images)
        if self.on_missing == "raise":
            check_found(faces, names)
        model, kinds = self._model_and_kinds()
        return embed_faces(model, kinds, images, faces, **self._cutting())

    def _cutting(self):
        """Return how faces are cut out."""
        return {"resize": self.resize, "align": self.align, "device": self.device}

    def _model_and_kinds(self):
        """Return the model and the kinds of output that are wanted of it."""
        model = load_model(self.model, self.device)
        return model, output_names(model, self.output)

    def __getstate__(self):
        state = super().__getstate__()
        if is_module(state["model"]):  # pickle alone gives other bytes in each process
            return state | {"model": None, "_module": pack_module(state["model"])}
        model, git_sha1 = pin_model(state["model"])
        # With the checksum, which nothing reads, a cache notices that the file was replaced.
        return state | {"model": model, "_git_sha1": git_sha1}

    def __setstate__(self, state):
        if "_module" in state:
            state = state | {"model": unpack_module(*state["_module"])}
            del state["_module"]
        state.pop("_git_sha1", None)
        super().__setstate__(state)

    def __sklearn_is_fitted__(self):
        """There is nothing to fit."""
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        return tags
