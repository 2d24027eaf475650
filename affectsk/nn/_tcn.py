"""Temporal convolutional networks: dilated residual blocks along time."""

import itertools

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

__all__ = ["TCN", "DilatedConv", "TemporalBlock"]


class DilatedConv(nn.Module):
    """Convolution along time that keeps the number of frames.

    Parameters
    ----------
    n_in, n_out : int
        Channels of the input and the output.
    kernel_size : int
        Taps of the convolution.
    dilation : int
        Frames between two taps.
    causal : bool
        No output sees a later frame; otherwise it sees as many later as earlier ones.
    normalised : bool
        Learn direction and length of the weights apart (weight norm).
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel_size: int,
        dilation: int,
        causal: bool,
        normalised: bool,
    ):
        super().__init__()
        reach = (kernel_size - 1) * dilation
        left = reach if causal else reach // 2
        # The convolution pads both ends by as much, without a copy; what is too much is cut off.
        padding = max(left, reach - left)
        self.first = padding - left
        conv = nn.Conv1d(n_in, n_out, kernel_size, dilation=dilation, padding=padding)
        self.conv = weight_norm(conv) if normalised else conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x of shape (batch, n_in, frames) to (batch, n_out, frames)."""
        return self.conv(x)[:, :, self.first : self.first + x.shape[2]]


class TemporalBlock(nn.Module):
    """Two dilated convolutions with ReLU and dropout, and a way around them.

    Parameters
    ----------
    n_in, n_out : int
        Channels of the input and the output.
    kernel_size, dilation, causal, normalised
        As in `DilatedConv`.
    dropout : float
        Share of the values that is set to 0 in training.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel_size: int,
        dilation: int,
        causal: bool,
        normalised: bool,
        dropout: float,
    ):
        super().__init__()
        options = (kernel_size, dilation, causal, normalised)
        self.first = DilatedConv(n_in, n_out, *options)
        self.second = DilatedConv(n_out, n_out, *options)
        self.shortcut = nn.Identity() if n_in == n_out else nn.Conv1d(n_in, n_out, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, outside: torch.Tensor | None = None) -> torch.Tensor:
        """Map x of shape (batch, n_in, frames) to (batch, n_out, frames).

        `outside`, of shape (batch, 1, frames), is True in padding; x is 0 there, and so is what
        comes out, as if the sequence ended where its padding begins.
        """
        y = self.dropout(_silence(functional.relu(self.first(x)), outside))
        y = self.dropout(functional.relu(self.second(y)))
        return _silence(functional.relu(y + self.shortcut(x)), outside)


class TCN(nn.Module):
    """Blocks whose dilation doubles from one to the next (Bai et al., 2018).

    Parameters
    ----------
    n_features : int
        Channels of the input.
    channels : tuple of int
        Channels of every block.
    kernel_size, causal, normalised, dropout
        As in `TemporalBlock`.
    """

    def __init__(
        self,
        n_features: int,
        channels: tuple[int, ...],
        kernel_size: int,
        causal: bool,
        normalised: bool,
        dropout: float,
    ):
        super().__init__()
        widths = [n_features, *channels]
        self.blocks = nn.ModuleList(
            TemporalBlock(n_in, n_out, kernel_size, 2**i, causal, normalised, dropout)
            for i, (n_in, n_out) in enumerate(itertools.pairwise(widths))
        )

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Map x of shape (batch, n_features, frames) to (batch, channels[-1], frames).

        `inside`, of shape (batch, frames), is False in padding, whose values change nothing.
        """
        outside = None if inside is None else ~inside.unsqueeze(1)
        x = _silence(x, outside)
        for block in self.blocks:
            x = block(x, outside)
        return x


def _silence(x: torch.Tensor, outside: torch.Tensor | None) -> torch.Tensor:
    """Return x with 0 in padding, where there is any."""
    return x if outside is None else x.masked_fill(outside, 0)
