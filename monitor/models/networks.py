"""The networks: small enough for one beat at a time on one core."""

import copy
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid
from torch.nn.utils import fuse_conv_bn_eval

CLASSES = 5


class UnrolledConvolution(nn.Module):
    """A trained convolution, its normalisation and a ReLU, as one matrix product.

    A convolution's own kernel takes longer to set up than to compute for a beat at a time.
    ``forward``: (batch, length, channels in) -> (batch, steps, channels out).

    Parameters
    ----------
    convolution, normalisation
        In evaluation mode.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, convolution: nn.Conv1d, normalisation: nn.BatchNorm1d) -> None:
        super().__init__()
        fused = fuse_conv_bn_eval(convolution, normalisation)
        assert fused.bias is not None
        self.pad = int(fused.padding[0])
        self.span = fused.kernel_size[0] * fused.in_channels
        self.stride = fused.stride[0] * fused.in_channels
        self.width = fused.out_channels
        self.register_buffer("weight", fused.weight.detach().permute(0, 2, 1).flatten(1).clone())
        self.register_buffer("bias", fused.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Give what a ReLU lets through."""
        flat = nn.functional.pad(x, (0, 0, self.pad, self.pad)).flatten(1)
        windows = flat.unfold(1, self.span, self.stride).reshape(-1, self.span)
        y = nn.functional.linear(windows, self.weight, self.bias).relu_()
        return y.view(x.shape[0], -1, self.width)


class CnnBiLstm(nn.Module):
    """Convolutions over the beat, a bidirectional LSTM over what they find, context beside.

    ``forward(signal, features)``: signal (batch, leads x channels, length), features
    (batch, leads x features) -> logits (batch, 5). Every lead goes through the same layers;
    each lead has an opinion of its own, and there is one on what they show together; the mean of
    the log probabilities counts. The order of the leads does not matter, and one may be missing:
    its signal is all zeros. Features are standardised inside,
    so that the network file is complete.

    Parameters
    ----------
    channels, features
        Inputs of one lead.
    width
        Channels of the convolutions and units of the LSTM in each direction.
    dropout
        In training, on what goes into the last layers.
    leads
        Number of leads.
    f_log_odds
        The log odds that F must have over V; what both have together stays.
    """

    feature_mean: Tensor
    feature_scale: Tensor
    bias: Tensor

    def __init__(
        self,
        channels: int = 2,
        features: int = 0,
        width: int = 32,
        dropout: float = 0.2,
        leads: int = 1,
        f_log_odds: float = 0.0,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.features = features
        self.leads = leads
        self.register_buffer("feature_mean", torch.zeros(features))
        self.register_buffer("feature_scale", torch.ones(features))
        self.register_buffer("bias", torch.zeros(CLASSES))
        self.f_log_odds = f_log_odds
        self.width = width
        half = width // 2
        self.convolve = nn.Sequential(
            nn.Conv1d(channels, half, 9, stride=2, padding=4),  # (B, half, length / 2)
            nn.BatchNorm1d(half),
            nn.ReLU(),
            nn.Conv1d(half, width, 7, stride=2, padding=3),  # (B, width, length / 4)
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 5, stride=3, padding=2),  # (B, width, length / 12)
            nn.BatchNorm1d(width),
            nn.ReLU(),
        )
        self.is_streamlined = False
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.context = nn.Sequential(nn.Linear(features, 48), nn.ReLU()) if features else None
        self.drop = nn.Dropout(dropout)
        self.describe = nn.Sequential(
            nn.Linear(4 * width + (48 if features else 0), 48), nn.ReLU(), nn.Dropout(dropout)
        )
        self.classify = nn.Linear(48, CLASSES)
        self.together = nn.Linear(96, CLASSES) if leads > 1 else None

    def arguments(self) -> dict[str, Any]:
        """Give the arguments from which such a network is made."""
        names = ("channels", "features", "width", "leads", "f_log_odds")
        return {name: getattr(self, name) for name in names}

    def streamlined(self) -> Self:
        """Give a copy for use alone, which gives the same labels faster one beat at a time."""
        net = copy.deepcopy(self).eval()
        if net.is_streamlined:
            return net
        convolutions = [m for m in net.convolve.children() if isinstance(m, nn.Conv1d)]
        normalisations = [m for m in net.convolve.children() if isinstance(m, nn.BatchNorm1d)]
        stages = map(UnrolledConvolution, convolutions, normalisations)
        net.convolve = nn.Sequential(*stages)
        net.is_streamlined = True
        return net

    def forward(self, signal: Tensor, features: Tensor) -> Tensor:
        """Give the logits of the five classes."""
        alone, known, together = self.opinions(signal, features)
        logits = torch.log_softmax(alone, dim=2) * known
        joined = logits.sum(1) / known.sum(1).clamp(min=1.0)
        if self.together is not None:
            joined = (joined + torch.log_softmax(together, dim=1)) * 0.5
        joined = joined + self.bias
        v, f = joined[:, 2], joined[:, 3]
        both, odds = torch.logaddexp(v, f), f - v - self.f_log_odds
        v, f = both + logsigmoid(-odds), both + logsigmoid(odds)
        return torch.stack([joined[:, 0], joined[:, 1], v, f, joined[:, 4]], dim=1)

    def opinions(self, signal: Tensor, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give the logits of each lead alone, which leads are there, the logits of all together.

        Shapes (batch, leads, 5), (batch, leads, 1), (batch, 5).
        """
        rows = signal.reshape(-1, self.channels, signal.shape[-1])  # (B leads, channels, length)
        if self.is_streamlined:
            x = self.convolve(rows.transpose(1, 2))  # (B leads, steps, width)
        else:
            x = self.convolve(rows).transpose(1, 2)
        steps, _ = self.lstm(x)
        x = torch.cat([steps.mean(1), steps.amax(1)], dim=1)  # (B leads, 4 width)
        if self.context is not None:
            f = features.reshape(-1, self.features)
            f = (f - self.feature_mean) * self.feature_scale
            x = torch.cat([x, self.context(f.clamp(-5.0, 5.0))], dim=1)
        x = self.describe(self.drop(x)).reshape(-1, self.leads, 48)
        known = rows.flatten(1).any(1).to(x.dtype).reshape(-1, self.leads, 1)
        alone = self.classify(x)
        if self.together is None:
            return alone, known, alone[:, 0]
        x = x * known  # never negative, so that a missing lead does not count in the maximum
        mean = x.sum(1) / known.sum(1).clamp(min=1.0)
        return alone, known, self.together(torch.cat([mean, x.amax(1)], dim=1))
