"""Attention over the window around every frame, then an MLP."""

import torch
from torch import nn

from affectsk.nn._mlp import MLP, Linear

__all__ = ["AttentionPool", "window_frames"]


def window_frames(n_frames: int, window: int, causal: bool, device: torch.device) -> torch.Tensor:
    """Return which frames are in the window of each frame, shape (n_frames, n_frames), bool.

    The window of frame t holds `window` frames: up to t if `causal`, otherwise from
    ``t - window // 2`` on.
    """
    frames = torch.arange(n_frames, device=device)
    first = frames - (window - 1 if causal else window // 2)
    ahead = frames[None, :] - first[:, None]
    return (ahead >= 0) & (ahead < window)


class AttentionPool(nn.Module):
    """Pool the features of a window by attention, add their deviation, and apply an MLP.

    Parameters
    ----------
    n_features : int
        Width of the input.
    hidden_layer_sizes : tuple of int
        Hidden layers of the MLP.
    n_outputs : int
        Width of the output.
    window : int
        Frames in a window.
    causal : bool
        Whether the window of a frame ends with it.
    """

    def __init__(
        self,
        n_features: int,
        hidden_layer_sizes: tuple[int, ...],
        n_outputs: int,
        *,
        window: int,
        causal: bool,
    ):
        super().__init__()
        self.window = window
        self.causal = causal
        self.attention = Linear(n_features, 1)
        self.mlp = MLP(2 * n_features, hidden_layer_sizes, n_outputs)

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Map x of shape (batch, frames, n_features) to (batch * frames, n_outputs).

        A missing frame is NaN in every feature, and in no window; nor is padding, where `inside`,
        of shape (batch, frames), is False. A window without any frame counts as one of zeros.
        """
        n_frames = x.shape[1]
        present = ~torch.isnan(x[:, :, 0])
        if inside is not None:
            present = present & inside
        x = torch.where(present.unsqueeze(2), x, 0)
        windows = window_frames(n_frames, self.window, self.causal, x.device)
        windows = windows & present.unsqueeze(1)
        logits = self.attention(x.flatten(0, 1)).view(-1, 1, n_frames)
        shares = logits.masked_fill(~windows, -torch.inf).softmax(dim=2).nan_to_num()
        pooled = torch.cat([_deviations(x, present, windows), shares @ x], dim=2)
        return self.mlp(pooled.flatten(0, 1))


@torch.no_grad()
def _deviations(x: torch.Tensor, present: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
    """Return the standard deviation (ddof 0) over each window, shape as x."""
    shares = windows / windows.sum(dim=2, keepdim=True).clamp(min=1)
    # Moments about the mean of the frames that are there lose no digits.
    present = present.unsqueeze(2)
    mean = x.sum(dim=1, keepdim=True) / present.sum(dim=1, keepdim=True).clamp(min=1)
    x = torch.where(present, x - mean, 0)
    return (shares @ x**2 - (shares @ x) ** 2).clamp(min=0).sqrt()
