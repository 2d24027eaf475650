"""Enlarges small faces before they are embedded."""

from numbers import Integral
from pathlib import Path

import cv2
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from affectsk.compat import CollectionOutputMixin, Interval
from affectsk.media import check_image_files, check_images, media_kind, read_image
from affectsk.vision._networks._upscaling_net import load_upscaling_net
from affectsk.vision._tiles import TilePlan, map_tiles

__all__ = ["FaceUpscaler"]


class FaceUpscaler(
    CollectionOutputMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Enlarge images, by interpolation or by a network for super-resolution.

    It takes images and gives images, and so stands before a `FaceEmbedder` in a Pipeline. There is
    nothing to fit.

    Parameters
    ----------
    model : "lanczos" or path-like, default="lanczos"
        Interpolation with the kernel of Lanczos (8 x 8 pixels); or an ONNX file of a network that
        turns RGB images (n, 3, height, width) with values from 0 to 1 into images that are a whole
        number of times as large, such as those of Real-ESRGAN.
    scale : int, default=2
        How many times as large the images become. A network that enlarges more is run at its own
        factor, and its result is averaged down; one that enlarges less is an error.
    tile : int, default=256
        Images with a longer side go through the network in square tiles of this side, which bounds
        the memory. A network whose input has a fixed size sets its own.
    tile_overlap : int, default=16
        Pixels at the inner edges of a tile whose result is thrown away, so that no seam shows. From
        the receptive field of the network on, the result is exactly that without tiles.
    batch_size : int, default=8
        Most tiles that go through the network together.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, or ``"cuda:1"`` for one of several; ``"auto"`` takes CUDA where the
        installed onnxruntime can.

    See Also
    --------
    FaceEmbedder : Turns the enlarged faces into features.

    Notes
    -----
    Networks for super-resolution invent detail: of a face of 20 pixels, the expression that they
    show need not be the one that was there. Measure on labelled data whether they help.

    Images smaller than the fixed input of a network, and sides that a network cannot take because
    they are no multiple of 2, 4 or 8, are filled up with copies of their last row and column, and
    cut back.

    References
    ----------
    Wang, Xie, Dong and Shan (2021). Real-ESRGAN: Training real-world blind super-resolution with
    pure synthetic data. ICCV Workshops. Savchenko, "HSE-NN team at the 4th ABAW competition"
    (2022): training images of synthetic faces, enlarged twice by its fourfold network.

    Examples
    --------
    >>> import numpy as np
    >>> from affectsk.vision import FaceUpscaler
    >>> crop = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    >>> [larger] = FaceUpscaler(scale=2).fit_transform([crop])
    >>> larger.shape
    (60, 80, 3)
    """

    _parameter_constraints = {
        "model": [str, Path],
        "scale": [Interval(Integral, 1, None, closed="left")],
        "tile": [Interval(Integral, 8, None, closed="left")],
        "tile_overlap": [Interval(Integral, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
    }

    def __init__(
        self,
        model="lanczos",
        *,
        scale=2,
        tile=256,
        tile_overlap=16,
        batch_size=8,
        device="auto",
    ):
        self.model = model
        self.scale = scale
        self.tile = tile
        self.tile_overlap = tile_overlap
        self.batch_size = batch_size
        self.device = device

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
            The upscaler.
        """
        self._validate_params()
        self._network()
        media_kind(X)
        return self

    def transform(self, X):
        """Enlarge images.

        Parameters
        ----------
        X : list of images or paths, or ndarray of shape (n_images, height, width, 3)
            RGB images of dtype uint8, of any sizes, or paths of images.

        Returns
        -------
        list of ndarray of shape (height * scale, width * scale, 3), uint8
            The enlarged images.

        Raises
        ------
        FileNotFoundError
            If an image file is missing.
        ModelFileError
            If the file of the network is missing, or no such network.
        ValueError
            If a parameter or an image is invalid, or X holds videos.
        """
        self._validate_params()
        network = self._network()
        images = self._images(X)
        if network is None:
            return [self._resize(image, cv2.INTER_LANCZOS4, self.scale) for image in images]
        plan, larger = self._plan(network), []
        # A block at a time, because results at the network's own factor are large.
        for first in range(0, len(images), self.batch_size):
            larger += self._enlarge(network, plan, images[first : first + self.batch_size])
        return larger

    def get_feature_names_out(self, input_features=None):
        """Return no names: images have no named features, and steps behind this one set theirs.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of shape (0,), object
            Empty.
        """
        return np.empty(0, dtype=object)

    def _images(self, X):
        """Return X as a list of images."""
        kind = media_kind(X)
        if kind == "videos":
            raise ValueError(
                "X holds videos; FaceUpscaler enlarges images, such as the crops of faces. Cut "
                "them out first, and pass the images or their paths."
            )
        if kind == "image paths":
            check_image_files(X)
            return [read_image(path) for path in X]
        return check_images(X, "X")

    def _network(self):
        """Return the network that enlarges, or None for interpolation."""
        if self.model == "lanczos":
            return None
        if Path(self.model).suffix.lower() != ".onnx":
            raise ValueError(
                f"model={self.model!r} is neither 'lanczos' nor the path of an ONNX file (.onnx); "
                "networks of torch must be exported first, with torch.onnx.export."
            )
        network = load_upscaling_net(self.model, self.device)
        if network.factor < self.scale:
            raise ValueError(
                f"scale={self.scale} is more than the factor {network.factor} of the network "
                f"{str(self.model)!r}; take scale={network.factor} or another network."
            )
        return network

    def _plan(self, network):
        """Return how images are cut for the network."""
        multiple = network.multiple
        overlap = -(-self.tile_overlap // multiple) * multiple
        size = network.size or (self.tile // multiple * multiple,) * 2
        if min(size) <= 2 * overlap:
            raise ValueError(
                f"tile_overlap={self.tile_overlap} leaves nothing of tiles of {size[0]} x "
                f"{size[1]} pixels; it must be less than half of their side."
            )
        return TilePlan(size, overlap, multiple, is_fixed=network.size is not None)

    def _enlarge(self, network, plan, images):
        """Run some images through the network and bring them to the scale that is wanted."""
        larger = map_tiles(
            network.run, images, plan, factor=network.factor, batch_size=self.batch_size
        )
        if network.factor == self.scale:
            return larger
        return [self._resize(i, cv2.INTER_AREA, self.scale / network.factor) for i in larger]

    @staticmethod
    def _resize(image, interpolation, factor):
        """Resize an image to whole pixels."""
        size = [round(side * factor) for side in image.shape[1::-1]]
        return cv2.resize(image, size, interpolation=interpolation)

    def __sklearn_is_fitted__(self):
        """There is nothing to fit."""
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        return tags
