"""The networks: small enough for one beat at a time on one core."""

import torch
from torch import Tensor, nn

CLASSES = 5


class CnnBiLstm(nn.Module):
    """Convolutions over the beat, a bidirectional LSTM over what they find, context beside.

    ``forward(signal, features)``: signal (batch, channels, length), features
    (batch, features) -> logits (batch, 5). Features are standardised inside, so that the
    network file is complete.

    Parameters
    ----------
    channels, features
        Inputs.
    width
        Channels of the convolutions and units of the LSTM in each direction.
    dropout
        In training, on what goes into the last layers.
    """

    feature_mean: Tensor
    feature_scale: Tensor
    bias: Tensor

    def __init__(
        self, channels: int = 2, features: int = 0, width: int = 32, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.features = features
        self.register_buffer("feature_mean", torch.zeros(features))
        self.register_buffer("feature_scale", torch.ones(features))
        self.register_buffer("bias", torch.zeros(CLASSES))
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
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.context = nn.Sequential(nn.Linear(features, 48), nn.ReLU()) if features else None
        self.drop = nn.Dropout(dropout)
        self.classify = nn.Sequential(
            nn.Linear(4 * width + (48 if features else 0), 48),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(48, CLASSES),
        )

    def forward(self, signal: Tensor, features: Tensor) -> Tensor:
        """Give the logits of the five classes."""
        x = self.convolve(signal).transpose(1, 2)  # (B, steps, width)
        steps, _ = self.lstm(x)
        x = torch.cat([steps.mean(1), steps.amax(1)], dim=1)  # (B, 4 width)
        if self.context is not None:
            f = (features - self.feature_mean) * self.feature_scale
            x = torch.cat([x, self.context(f.clamp(-5.0, 5.0))], dim=1)
        logits: Tensor = self.classify(self.drop(x))
        return logits + self.bias
