"""From images and the faces found in them to rows of features."""

from typing import NamedTuple

import cv2
import numpy as np

from affectsk.vision._crops import align_face, crop_box, resize_image
from affectsk.vision._mtcnn import as_points, load_networks

__all__ = ["MainFaces", "check_found", "embed_crops", "embed_faces", "main_faces"]

_CROP_SIZE = 48  # of the network that finds the landmarks of a crop
# Landmarks of a crop that the network is not sure about turn it more wrong than right.
_MIN_CROP_SCORE = 0.5
# Where they lie in a crop that shows the face from the brows to the chin.
_USUAL_LANDMARKS = np.array(
    [[0.3185, 0.3955], [0.6815, 0.3955], [0.5, 0.605], [0.3435, 0.794], [0.6565, 0.794]]
)


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


def embed_faces(model, kinds, images, main, *, resize):
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
        How boxes are resized for a model without a template.

    Returns
    -------
    ndarray of shape (n_images, n_columns), float32
        Features; rows of NaN where there is no face.
    """
    found = np.flatnonzero(~np.isnan(main.scores))
    size, template = model.input_size, model.template
    if template is None:
        crops = [crop_box(images[i], main.boxes[i], size, resize=resize) for i in found]
    else:
        crops = [align_face(images[i], main.landmarks[i], template, size) for i in found]
    n_columns = sum(len(model.outputs[kind]) for kind in kinds)
    features = np.full((len(images), n_columns), np.nan, np.float32)
    features[found] = _run_model(model, kinds, crops)
    return features


def embed_crops(model, kinds, images, *, resize, device):
    """Embed images that are face crops already.

    For a model that wants aligned faces, the landmarks are found in the crop itself.

    Parameters
    ----------
    model : FaceModel
        The model.
    kinds : list of str
        Outputs of the model, joined column by column.
    images : list of ndarray of shape (height, width, 3), uint8
        RGB crops.
    resize : {"pil", "cv2"}
        How images are resized for a model without a template.
    device : str
        Torch device of the network that finds the landmarks.

    Returns
    -------
    ndarray of shape (n_images, n_columns), float32
        Features.
    """
    size, template = model.input_size, model.template
    if template is None:
        crops = [resize_image(image, size, resize=resize) for image in images]
    else:
        landmarks = _crop_landmarks(images, device)
        crops = [
            align_face(image, points * image.shape[1::-1], template, size)
            for image, points in zip(images, landmarks, strict=True)
        ]
    return _run_model(model, kinds, crops)


def _crop_landmarks(images, device):
    """Find the landmarks (n, 5, 2) of crops, in units of their sides."""
    size = (_CROP_SIZE, _CROP_SIZE)
    small = np.stack([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images])
    _, scores, points = load_networks(device).locate(small)
    sure = scores > _MIN_CROP_SCORE
    return np.where(sure[:, None, None], as_points(points), _USUAL_LANDMARKS)


def _run_model(model, kinds, crops):
    """Run the model over a list of crops and join the kinds of output that are wanted."""
    if not crops:
        return np.empty((0, sum(len(model.outputs[kind]) for kind in kinds)), np.float32)
    given = model.embed(np.stack(crops))
    parts = [np.asarray(given[kind], np.float32) for kind in kinds]
    for kind, part in zip(kinds, parts, strict=True):
        expected = (len(crops), len(model.outputs[kind]))
        if part.shape != expected:
            raise ValueError(
                f"The model {model.name!r} gave {kind!r} of shape {part.shape} for {len(crops)} "
                f"crops, expected {expected}; correct its embed, or its outputs[{kind!r}], which "
                f"names {expected[1]} columns."
            )
    return np.concatenate(parts, axis=1)
