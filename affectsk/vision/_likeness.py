"""How much alike two faces look, or two frames: correlation of small grey pictures.

Correlation does not change with brightness and contrast, and drops quickly when landmarks are off.
On real videos, aligned faces of one person correlate by 0.5 and more even a second apart, those of
two persons by less than 0.35, and one face with itself by less than 0.8 when it is moved by an
eighth of its side.
"""

import cv2
import numpy as np

from affectsk.vision._crops import align_face

__all__ = ["face_looks", "likeness", "scene_look"]

_SIDE = 32
_SCENE_SHAPE = (18, 32)

# Eyes, nose and mouth corners, where the picture shows the face from the brows to the chin.
_TEMPLATE = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.58], [0.33, 0.8], [0.67, 0.8]])

# A picture whose grey values deviate by less than this shows nothing, such as a black frame.
_MIN_DEVIATION = 2.0


def face_looks(image, landmarks):
    """Return what faces of an image look like when aligned.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        RGB image.
    landmarks : ndarray of shape (n_faces, 5, 2)
        Their landmarks.

    Returns
    -------
    ndarray of shape (n_faces, 1024), float32
        Grey values, for `likeness`.
    """
    looks = np.empty((len(landmarks), _SIDE**2), np.float32)
    for look, points in zip(looks, landmarks, strict=True):
        look[:] = _normalised(align_face(image, points, _TEMPLATE, _SIDE))
    return looks


def scene_look(image):
    """Return what a whole frame looks like, as one row for `likeness`.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        RGB image.

    Returns
    -------
    ndarray of shape (1, 576), float32
        Grey values.
    """
    small = cv2.resize(image, _SCENE_SHAPE[::-1], interpolation=cv2.INTER_AREA)
    return _normalised(small)[None]


def likeness(looks, others):
    """Return the correlation of each of some looks with each of some others.

    Parameters
    ----------
    looks : ndarray of shape (n, n_values)
        Looks of faces, or of scenes.
    others : ndarray of shape (m, n_values)
        Looks of the same kind.

    Returns
    -------
    ndarray of shape (n, m)
        Correlations in [-1, 1]; 0 with a picture that shows nothing.
    """
    return looks @ others.T


def _normalised(picture):
    """Return the grey values of a small RGB picture with mean 0 and length 1, or less if flat."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32).ravel()
    grey -= grey.mean()
    return grey / max(np.linalg.norm(grey), _MIN_DEVIATION * np.sqrt(grey.size))
