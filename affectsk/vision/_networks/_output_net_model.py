"""The default model of faces: the inner layers of MTCNN's last network."""

import numpy as np

from affectsk.vision._detection._mtcnn import load_networks

__all__ = ["OutputNetModel"]

_GRID = 4
_CHANNELS = 64

# Landmarks of the average upright frontal face, made symmetric, in units of the crop's side.
_TEMPLATE = np.array([[0.291, 0.38], [0.709, 0.38], [0.5, 0.621], [0.32, 0.838], [0.68, 0.838]])


class OutputNetModel:
    """Third convolution of MTCNN's last network, over a finer crop than it was trained on.

    The network was trained to tell faces and their landmarks in crops of 48 pixels; its
    convolutions run on aligned crops of 64, and their 64 channels are averaged over a grid of
    4 by 4, and over the face and its mirror image.

    Parameters
    ----------
    device : str
        Torch device.
    """

    name = "mtcnn-onet"
    input_size = 64
    template = _TEMPLATE
    outputs = {"embeddings": tuple(f"embedding_{i}" for i in range(_CHANNELS * _GRID**2))}

    def __init__(self, device):
        self.device = device

    def embed(self, crops):
        """Turn crops into features.

        Parameters
        ----------
        crops : ndarray of shape (n, 64, 64, 3), uint8
            Aligned faces, RGB.

        Returns
        -------
        dict
            ``"embeddings"``: ndarray of shape (n, 1024), float32, channel by channel.
        """
        return {"embeddings": load_networks(self.device).describe(crops, _GRID)}
