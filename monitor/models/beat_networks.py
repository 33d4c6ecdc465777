"""The networks of the model zoo: one beat window in, nothing beside.

All take (batch, 1, length), the beat from its R peak with zeros behind its end, and give
logits (batch, classes). They share the first layers and the last ones, so that what lies
between is what a comparison of them compares.
"""

import copy
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval


def length_channel(signal: Tensor) -> Tensor:
    """Add a channel that is 1 up to the last sample that is not zero, and 0 behind it.

    How long the window is says how long the RR intervals are; convolutions would have to
    tell a flat stretch of signal from padding.
    """
    # the running sum from the end: positive as soon as anything was not zero
    rest = signal.abs().flip([2]).cumsum(2).flip([2])
    return torch.cat([signal, (rest > 0).to(signal.dtype)], dim=1)


def _block(inputs: int, outputs: int, size: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv1d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(),
    ]


def _head(inputs: int, classes: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(inputs, 96),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(96, classes),
    )


class BeatNetwork(nn.Module):
    """What the networks have in common.

    Parameters
    ----------
    classes
        Number of outputs.
    width
        Channels of the convolutions, and units of the LSTM in each direction.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.classes = classes
        self.width = width

    def arguments(self) -> dict[str, Any]:
        """Give the arguments from which such a network is made."""
        return {"classes": self.classes, "width": self.width}

    def streamlined(self) -> Self:
        """Give a copy for use alone: every normalisation is part of its convolution."""
        net = copy.deepcopy(self).eval()
        if hasattr(net, "convolve"):
            layers = list(cast(nn.Sequential, net.convolve).children())
            fused: list[nn.Module] = []
            for layer in layers:
                if isinstance(layer, nn.BatchNorm1d):
                    fused[-1] = fuse_conv_bn_eval(cast(nn.Conv1d, fused[-1]), layer)
                else:
                    fused.append(layer)
            net.convolve = nn.Sequential(*fused)
        return net


class BeatCnnBiLstm(BeatNetwork):
    """Convolutions, then a bidirectional LSTM over what they find.

    Parameters
    ----------
    classes
        Number of outputs.
    width
        Channels of the convolutions, and units of the LSTM in each direction.
    dropout
        In training, on what goes into the last layers.
    """

    def __init__(self, classes: int = 5, width: int = 64, dropout: float = 0.2) -> None:
        super().__init__(classes, width)
        self.convolve = nn.Sequential(
            *_block(2, width // 2, 9, 2),  # (B, width / 2, length / 2)
            *_block(width // 2, width, 5, 2),  # (B, width, length / 4)
            *_block(width, width, 5, 2),  # (B, width, length / 8)
        )
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.classify = _head(4 * width, classes, dropout)

    def forward(self, signal: Tensor) -> Tensor:
        """Give the logits of the classes."""
        x = self.convolve(length_channel(signal)).transpose(1, 2)
        steps, _ = self.lstm(x)
        logits: Tensor = self.classify(torch.cat([steps.mean(1), steps.amax(1)], dim=1))
        return logits


class BeatCnn(BeatNetwork):
    """Convolutions alone; parameters as of :class:`BeatCnnBiLstm`."""

    def __init__(self, classes: int = 5, width: int = 64, dropout: float = 0.2) -> None:
        super().__init__(classes, width)
        self.convolve = nn.Sequential(
            *_block(2, width // 2, 9, 2),
            *_block(width // 2, width, 5, 2),
            *_block(width, width, 5, 2),
            *_block(width, 2 * width, 5, 2),  # (B, 2 width, length / 16)
        )
        # the place of what is found matters: no mean over time
        self.classify = _head(2 * width * 12, classes, dropout)

    def forward(self, signal: Tensor) -> Tensor:
        """Give the logits of the classes; the length must be 188."""
        logits: Tensor = self.classify(self.convolve(length_channel(signal)).flatten(1))
        return logits


class BeatLstm(BeatNetwork):
    """An LSTM alone, over four samples at a time; parameters as of :class:`BeatCnnBiLstm`."""

    def __init__(self, classes: int = 5, width: int = 64, dropout: float = 0.2) -> None:
        super().__init__(classes, width)
        self.lstm = nn.LSTM(8, width, batch_first=True, bidirectional=True)
        self.classify = _head(4 * width, classes, dropout)

    def forward(self, signal: Tensor) -> Tensor:
        """Give the logits of the classes; the length must be a multiple of four."""
        x = length_channel(signal)  # (B, 2, length)
        x = x.reshape(x.shape[0], 2, -1, 4).permute(0, 2, 1, 3).flatten(2)  # (B, length / 4, 8)
        steps, _ = self.lstm(x)
        logits: Tensor = self.classify(torch.cat([steps.mean(1), steps.amax(1)], dim=1))
        return logits
