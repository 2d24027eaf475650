"""How much alike two faces look, or two frames.

Faces are compared by the correlation of small grey pictures, which does not change with brightness
and contrast, and drops quickly when landmarks are off. On real videos, aligned faces of one person
correlate by 0.5 and more even a second apart, those of two persons by less than 0.35, and one face
with itself by less than 0.8 when it is moved by an eighth of its side.

Frames of one scene have much of the picture and, where something large moves, still the colours in
common. Either alone would not do: many scenes have similar colours.
"""

import cv2
import numpy as np

from affectsk.vision._crops import align_face

__all__ = ["face_looks", "likeness", "same_scene", "scene_look", "usual_landmarks"]

_SIDE = 32
_SCENE_SHAPE = (18, 32)
_N_SHADES = 4  # of each colour

# Eyes, nose and mouth corners, where the picture shows the face from the brows to the chin.
_TEMPLATE = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.58], [0.33, 0.8], [0.67, 0.8]])

# Measured: the mean likeness of pictures and colours is at least 0.73 within a shot, up to three
# seconds apart; of pairs of photos that are all close faces, 22 % are taken for one scene. Colours
# alone decide where a face moves before an even ground.
_MIN_SCENE_LIKENESS = 0.7
_SAME_COLOURS = 0.99

# A picture whose grey values deviate by less than this shows nothing, such as a black frame.
_MIN_DEVIATION = 2.0


def usual_landmarks(boxes, landmarks):
    """Return landmarks (n, 5, 2), in their usual places in the boxes (n, 4) where they are NaN.

    A detector that gives no landmarks gives NaN.
    """
    if not np.isnan(landmarks).any():
        return landmarks
    corners, opposite = boxes[:, None, :2], boxes[:, None, 2:]
    return np.where(np.isnan(landmarks), corners + _TEMPLATE * (opposite - corners), landmarks)


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


def likeness(looks, others):
    """Return the correlation of each of some faces with each of some others.

    Parameters
    ----------
    looks : ndarray of shape (n, 1024)
        Looks of faces.
    others : ndarray of shape (m, 1024)
        Looks of others.

    Returns
    -------
    ndarray of shape (n, m)
        Correlations in [-1, 1]; 0 with a picture that shows nothing.
    """
    return looks @ others.T


def scene_look(image):
    """Return what a whole frame looks like.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        RGB image.

    Returns
    -------
    tuple of ndarray, or None
        Its picture and its colours, for `same_scene`; None if it shows nothing, such as a black
        frame.
    """
    small = cv2.resize(image, _SCENE_SHAPE[::-1], interpolation=cv2.INTER_AREA)
    picture = _normalised(small)
    if np.linalg.norm(picture) < 1 - 1e-3:
        return None
    bins = (small // (256 // _N_SHADES)).reshape(-1, 3).astype(int) @ (1, _N_SHADES, _N_SHADES**2)
    shares = np.bincount(bins, minlength=_N_SHADES**3) / len(bins)
    return picture, np.sqrt(shares)


def same_scene(look, other):
    """Return whether two frames show one scene, rather than having a cut between them.

    Parameters
    ----------
    look, other : tuple of ndarray
        Looks of the frames.

    Returns
    -------
    bool
        Whether pictures and colours are enough alike, or the colours are the same.
    """
    # The correlation of the pictures and the Bhattacharyya coefficient of the colours.
    picture, colours = (float(each @ another) for each, another in zip(look, other, strict=True))
    return (picture + colours) / 2 >= _MIN_SCENE_LIKENESS or colours >= _SAME_COLOURS


def _normalised(picture):
    """Return the grey values of a small RGB picture with mean 0 and length 1, or less if flat."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32).ravel()
    grey -= grey.mean()
    return grey / max(np.linalg.norm(grey), _MIN_DEVIATION * np.sqrt(grey.size))
