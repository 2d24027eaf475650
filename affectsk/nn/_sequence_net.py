"""From windows of frames to one row of outputs per frame."""

import numpy as np
import torch
from torch import nn

from affectsk.nn._encoder import SequenceEncoder
from affectsk.nn._mlp import MLP
from affectsk.nn._tcn import TCN

__all__ = ["FillMissing", "SequenceNet"]


class FillMissing(nn.Module):
    """Some columns of the input, their missing frames filled, and a column that tells which.

    Parameters
    ----------
    columns : list of int
        Positions of the columns.
    fill : Tensor of shape (n_columns,)
        What stands in for each column where a frame is missing.
    """

    def __init__(self, columns: list[int], fill: torch.Tensor):
        super().__init__()
        first, stop = columns[0], columns[-1] + 1
        # A slice is a view, a list of columns a copy.
        self.columns = slice(first, stop) if columns == list(range(first, stop)) else columns
        self.register_buffer("fill", fill)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x of shape (batch, n_features, frames) to (batch, n_columns + 1, frames).

        A frame is missing where the first of the columns is NaN; the last row is 1 there.
        """
        x = x[:, self.columns]
        missing = torch.isnan(x[:, :1])
        return torch.cat([torch.where(missing, self.fill[:, None], x), missing.to(x.dtype)], dim=1)


class SequenceNet(nn.Module):
    """A temporal convolutional network per stream, a transformer encoder, and an MLP.

    Parameters
    ----------
    n_features : int
        Width of the input.
    hidden_layer_sizes : tuple of int
        Hidden layers of the MLP.
    n_outputs : int
        Width of the output.
    streams : list of list of int
        Columns of every stream.
    channels : list of tuple of int
        Channels of the blocks of every stream.
    kernel_size, causal, dropout
        As in `TCN`.
    encoder_layers, encoder_heads : int
        Size of the encoder; none with 0 layers.
    fill : sequence of float of length n_features, default=None
        What stands in for a missing value of each feature, 0 by default. It is kept with the
        weights.
    output_activation : str, default="identity"
        As in `MLP`.
    normalised : bool, default=True
        Whether the convolutions have weight norm, which training wants and prediction does not.
    bfloat16 : bool, default=False
        Multiply matrices in bfloat16, on weights in float32.
    """

    def __init__(
        self,
        n_features: int,
        hidden_layer_sizes: tuple[int, ...],
        n_outputs: int,
        *,
        streams: list[list[int]],
        channels: list[tuple[int, ...]],
        kernel_size: int,
        causal: bool,
        dropout: float,
        encoder_layers: int,
        encoder_heads: int,
        fill=None,
        output_activation: str = "identity",
        normalised: bool = True,
        bfloat16: bool = False,
    ):
        super().__init__()
        self.bfloat16 = bfloat16
        fill = torch.as_tensor(np.zeros(n_features) if fill is None else fill).float()
        self.inputs = nn.ModuleList(FillMissing(columns, fill[columns]) for columns in streams)
        self.stacks = nn.ModuleList(
            TCN(len(columns) + 1, widths, kernel_size, causal, normalised, dropout)
            for columns, widths in zip(streams, channels, strict=True)
        )
        width = sum(widths[-1] for widths in channels)
        self.encoder = None
        if encoder_layers:
            self.encoder = SequenceEncoder(width, encoder_layers, encoder_heads, causal, dropout)
        self.mlp = MLP(width, hidden_layer_sizes, n_outputs, output_activation)

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Map x of shape (batch, frames, n_features) to (batch * frames, n_outputs).

        A missing frame of a stream is NaN in its columns. `inside`, of shape (batch, frames), is
        False in padding; without it there is none.
        """
        x = x.transpose(1, 2)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bfloat16):
            parts = [
                stack(fill(x), inside) for fill, stack in zip(self.inputs, self.stacks, strict=True)
            ]
            y = torch.cat(parts, dim=1).transpose(1, 2)
            if self.encoder is not None:
                y = self.encoder(y, inside)
            y = self.mlp(y.flatten(0, 1))
        return y.float()
