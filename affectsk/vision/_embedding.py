"""From images and the faces found in them to rows of features."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np

from affectsk.inference import n_default_threads
from affectsk.vision._crops import align_face, crop_box, resize_image
from affectsk.vision._cuts import cut_box
from affectsk.vision._detection._mtcnn import as_points, load_networks

__all__ = ["MainFaces", "check_found", "embed_crops", "embed_faces", "main_faces"]

_CROP_SIZE = 48  # of the network that finds the landmarks of a crop
# Landmarks of a crop that the network is not sure about turn it more wrong than right.
_MIN_CROP_SCORE = 0.5
# Where they lie in a crop that shows the face from the brows to the chin.
_USUAL_LANDMARKS = np.array(
    [[0.3185, 0.3955], [0.6815, 0.3955], [0.5, 0.605], [0.3435, 0.794], [0.6565, 0.794]]
)
# Where the landmarks of the aligned faces of ArcFace lie in its crops of 112 pixels; the middle of
# a pixel is half a pixel from its edge.
_ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]]
)  # fmt: skip
_ARCFACE_TEMPLATE = (_ARCFACE + 0.5) / 112
_CHUNK = 64  # crops that are held at once


class MainFaces(NamedTuple):
    """The largest face of each of some images; rows of NaN where there is none.

    Parameters
    ----------
    boxes : ndarray of shape (n_images, 4), float64
        Corners x0, y0, x1, y1 in pixels.
    landmarks : ndarray of shape (n_images, 5, 2), float64
        Eyes, nose and mouth corners in pixels.
    scores : ndarray of shape (n_images,), float64
        Confidence of the detector.
    """

    boxes: np.ndarray
    landmarks: np.ndarray
    scores: np.ndarray


def main_faces(detector, images):
    """Find the largest face of each image.

    Parameters
    ----------
    detector : FaceDetector
        Anything with `detect`.
    images : list of ndarray of shape (height, width, 3), uint8
        RGB images.

    Returns
    -------
    MainFaces
        One row per image.
    """
    n_images = len(images)
    main = MainFaces(
        np.full((n_images, 4), np.nan), np.full((n_images, 5, 2), np.nan), np.full(n_images, np.nan)
    )
    for i, faces in enumerate(detector.detect(images)):
        if len(faces.scores):
            main.boxes[i], main.landmarks[i], main.scores[i] = (field[0] for field in faces)
    return main


def check_found(main, names):
    """Raise an error that names the first image without a face.

    Parameters
    ----------
    main : MainFaces
        Largest faces.
    names : list of str
        Names of the images.

    Raises
    ------
    ValueError
        If there is one.
    """
    missing = np.flatnonzero(np.isnan(main.scores))
    if missing.size:
        raise ValueError(
            f"No face was found in {names[missing[0]]}; leave it out, lower min_face or threshold "
            "of the detector, or set on_missing='nan'."
        )


def embed_faces(model, kinds, images, main, *, resize, align="auto", device="auto"):
    """Embed the largest face of each image.

    Parameters
    ----------
    model : FaceModel
        The model.
    kinds : list of str
        Outputs of the model, joined column by column.
    images : list of ndarray of shape (height, width, 3), uint8
        RGB images.
    main : MainFaces
        Their largest faces.
    resize : {"pil", "cv2"}
        How faces that are not aligned are resized.
    align : {"auto", "box", "landmarks"}, default="auto"
        Whether faces are cut out by their box, or aligned by their landmarks.
    device : str, default="auto"
        Torch device of the network that finds the landmarks where the detector gave none.

    Returns
    -------
    ndarray of shape (n_images, n_columns), float32
        Features; rows of NaN where there is no face.
    """
    found = np.flatnonzero(~np.isnan(main.scores))
    size, template = model.input_size, _template_of(model, align)

    def cut(i):
        image, box, landmarks = images[found[i]], main.boxes[found[i]], main.landmarks[found[i]]
        if template is None:
            return crop_box(image, box, size, resize=resize)
        if np.isnan(landmarks).any():
            return _align_crop(cut_box(image, box), template, size, device)
        return align_face(image, landmarks, template, size)

    n_columns = sum(len(model.outputs[kind]) for kind in kinds)
    features = np.full((len(images), n_columns), np.nan, np.float32)
    features[found] = _run_model(model, kinds, cut, len(found))
    return features


def embed_crops(model, kinds, images, *, resize, align="auto", device="auto"):
    """Embed images that are face crops already.

    Where faces are aligned, the landmarks are found in the crop itself.

    Parameters
    ----------
    model : FaceModel
        The model.
    kinds : list of str
        Outputs of the model, joined column by column.
    images : list of ndarray of shape (height, width, 3), uint8
        RGB crops.
    resize : {"pil", "cv2"}
        How crops that are not aligned are resized.
    align : {"auto", "box", "landmarks"}, default="auto"
        Whether crops are taken as they are, or aligned by landmarks.
    device : str, default="auto"
        Torch device of the network that finds the landmarks.

    Returns
    -------
    ndarray of shape (n_images, n_columns), float32
        Features.
    """
    size, template = model.input_size, _template_of(model, align)
    if template is None:
        return _run_model(
            model, kinds, lambda i: resize_image(images[i], size, resize=resize), len(images)
        )
    landmarks = _crop_landmarks(images, device)
    return _run_model(
        model, kinds, lambda i: align_face(images[i], landmarks[i], template, size), len(images)
    )


def _template_of(model, align):
    """Return where landmarks are to lie, or None where faces are not aligned."""
    if align == "landmarks" and model.template is None:
        return _ARCFACE_TEMPLATE
    return None if align == "box" else model.template


def _align_crop(crop, template, size, device):
    """Align the face in a crop by the landmarks that are found there."""
    return align_face(crop, _crop_landmarks([crop], device)[0], template, size)


def _crop_landmarks(images, device):
    """Find the landmarks (n, 5, 2) of crops, in pixels."""
    size = (_CROP_SIZE, _CROP_SIZE)
    small = np.stack([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images])
    _, scores, points = load_networks(device).locate(small)
    sure = scores > _MIN_CROP_SCORE
    sides = np.array([image.shape[1::-1] for image in images])
    return np.where(sure[:, None, None], as_points(points), _USUAL_LANDMARKS) * sides[:, None]


def _run_model(model, kinds, cut, n_crops):
    """Run the model over crops, some at a time, and join the outputs that are wanted.

    `cut` is called with the number of a crop, and makes it; in several threads at once, since one
    would let the other cores wait for it.
    """
    widths = [len(model.outputs[kind]) for kind in kinds]
    features = np.empty((n_crops, sum(widths)), np.float32)
    with ThreadPoolExecutor(n_default_threads()) as threads:
        for start in range(0, n_crops, _CHUNK):
            stop = min(start + _CHUNK, n_crops)
            given = model.embed(np.stack(list(threads.map(cut, range(start, stop)))))
            parts = [np.asarray(given[kind], np.float32) for kind in kinds]
            _check_given(model, kinds, parts, stop - start)
            np.concatenate(parts, axis=1, out=features[start:stop])
    return features


def _check_given(model, kinds, parts, n_crops):
    """Raise an error if a model gave other arrays than it promised, or no numbers."""
    for kind, part in zip(kinds, parts, strict=True):
        expected = (n_crops, len(model.outputs[kind]))
        if part.shape != expected:
            raise ValueError(
                f"The model {model.name!r} gave {kind!r} of shape {part.shape} for {n_crops} "
                f"crops, expected {expected}; correct its embed, or its outputs[{kind!r}], which "
                f"names {expected[1]} columns."
            )
        n_bad = n_crops - np.isfinite(part).all(axis=1).sum()
        if n_bad:  # a row of NaN would pass for a frame without a face
            raise ValueError(
                f"The model {model.name!r} gave {kind!r} that are NaN or infinite for {n_bad} of "
                f"{n_crops} crops; its weights are damaged, its mean and std are not those of its "
                "training, or half precision is too little for it."
            )
