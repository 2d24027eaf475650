"""A transformer encoder over the frames of a window."""

import contextlib

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

__all__ = ["SequenceEncoder", "sinusoidal_positions"]


def sinusoidal_positions(n_frames: int, width: int, device: torch.device) -> torch.Tensor:
    """Return the positions of "Attention is all you need", shape (n_frames, width).

    Columns 2 i and 2 i + 1 of frame t are sine and cosine of ``t / 10000**(2 i / width)``.
    """
    frames = torch.arange(n_frames, device=device, dtype=torch.float32)[:, None]
    rates = 1e4 ** (-torch.arange(0, width, 2, device=device, dtype=torch.float32) / width)
    waves = torch.stack([(frames * rates).sin(), (frames * rates).cos()], dim=2)
    return waves.flatten(1)[:, :width]


class SequenceEncoder(nn.Module):
    """Layers of self-attention and feed-forward networks, normalised before each.

    Parameters
    ----------
    width : int
        Channels of input and output, a multiple of `n_heads`.
    n_layers : int
        Number of layers.
    n_heads : int
        Heads of the attention.
    causal : bool
        A frame looks at itself and earlier ones only.
    dropout : float
        Share of the values that is set to 0 in training.
    """

    def __init__(self, width: int, n_layers: int, n_heads: int, causal: bool, dropout: float):
        super().__init__()
        self.causal = causal
        layer = nn.TransformerEncoderLayer(
            width, n_heads, 4 * width, dropout, batch_first=True, norm_first=True
        )
        norm = nn.LayerNorm(width)
        self.layers = nn.TransformerEncoder(layer, n_layers, norm, enable_nested_tensor=False)

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Map x of shape (batch, frames, width) to the same shape.

        `inside`, of shape (batch, frames), is False in padding, which no frame looks at.
        """
        n_frames = x.shape[1]
        x = x + sinusoidal_positions(n_frames, x.shape[2], x.device).to(x.dtype)
        later = None
        if self.causal:
            later = torch.ones(n_frames, n_frames, dtype=torch.bool, device=x.device).triu(1)
        outside = None if inside is None else ~inside
        with _repeatable(self.training and x.is_cuda):
            return self.layers(x, later, outside, is_causal=self.causal)


def _repeatable(wanted: bool):
    """Return a context in which the gradients of attention on CUDA do not change between runs."""
    return sdpa_kernel(SDPBackend.MATH) if wanted else contextlib.nullcontext()
