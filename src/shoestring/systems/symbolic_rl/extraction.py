"""Typed objects from frames, without labels: a convolutional autoencoder, salient places, and the spectrum of features at each.

It does not follow objects: that is ``tracking``. Source: Garnelo, Arulkumaran and Shanahan 2016, arXiv:1609.05518, section 3.1; layers as
in the public code PyDSRL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from shoestring.errors import UsageError
from shoestring.systems.symbolic_rl.scene import Objects

Frames = NDArray[Any]
_MOST = 1000  # objects among which new types are looked for
_PASSES = 5  # over all objects, which bring each mean to the middle of its own


class Autoencoder(nn.Module):
    """Convolution and ReLU, 2 by 2 maximum; then back: nearest-neighbour enlargement, convolution and sigmoid."""

    def __init__(self, channels: int, features: int, kernel: int) -> None:
        """Makes it, with torch's own first weights."""
        super().__init__()
        self.encoder = nn.Conv2d(channels, features, kernel, padding=kernel // 2)
        self.decoder = nn.Conv2d(features, channels, kernel, padding=kernel // 2)

    def encode(self, x: Tensor) -> Tensor:
        """Returns activations ``(n, features, h / 2, w / 2)`` of frames ``(n, channels, h, w)`` in [0, 1]."""
        return torch.relu(F.max_pool2d(self.encoder(x), 2, ceil_mode=True))  # the same as the other way round, and cheaper

    def forward(self, x: Tensor) -> Tensor:
        """Returns the frames rebuilt, as logits of the same shape."""
        return torch.as_tensor(self.decoder(F.interpolate(self.encode(x), size=x.shape[-2:], mode="nearest")))


class ObjectExtractor:
    """Finds objects of about one size in frames of any kind, and says which are of one type.

    A place is salient if a feature differs there from what it is in the background. Objects are peaks of saliency, smoothed over the size
    of an object; the spectrum of an object is the maximum of each feature around the peak, and an object is of the known type whose mean
    spectrum is nearest in squared distance. Types are found in ``fit``: an object that is near to none begins a new one.

    Attributes:
        means: ``(n_types, features)`` float32, the mean spectrum of each type.
        counts: objects that each mean was taken over.
    """

    def __init__(
        self,
        size: float,
        *,
        channels: int = 1,
        features: int = 16,
        kernel: int = 5,
        threshold: float = 0.15,
        novelty: float = 0.01,
        rare: float = 0.01,
        max_types: int = 8,
        device: str = "cpu",
    ) -> None:
        """Makes an extractor that has seen nothing.

        Args:
            size: of an object, in pixels, about.
            channels: of a frame: 1 for grey, 3 for colour.
            features: of the autoencoder.
            kernel: its convolutions' sides in pixels, odd.
            threshold: saliency of an object at least, as a share of the strongest seen in ``fit``.
            novelty: squared distance, as a share of the mean spectrum's square, from which on a type is new.
            rare: a type with a smaller share of all objects is none, such as two objects that touch.
            max_types: the most types; what would be a further one is of the nearest.
        Raises:
            UsageError: sizes that make no sense.
        """
        if size < 2 or channels < 1 or features < 1 or kernel % 2 == 0 or max_types < 1 or not 0 < threshold < 1 or novelty <= 0:
            raise UsageError(
                f"size={size}, channels={channels}, features={features}, kernel={kernel}, max_types={max_types}, threshold={threshold},"
                f" novelty={novelty}: give a size of 2 pixels or more, an odd kernel, a threshold within 0 and 1, and the rest above 0."
            )
        self.size, self.channels, self.threshold, self.max_types = size, channels, threshold, max_types
        self.novelty, self.rare = novelty, rare
        self.device = device
        self.net = Autoencoder(channels, features, kernel).to(device)
        self.background = torch.zeros(features, device=device)
        self.strongest = torch.zeros((), device=device)
        self.means = torch.zeros(0, features, device=device)
        self.counts = torch.zeros(0, device=device)

    @property
    def n_types(self) -> int:
        """Types known so far."""
        return len(self.means)

    def fit(self, frames: Frames, generator: torch.Generator, *, steps: int = 300, batch_size: int = 4, lr: float = 0.01) -> list[float]:
        """Trains the autoencoder by Adam, then learns background and types from the same frames.

        Args:
            frames: ``(n, h, w)`` or ``(n, h, w, channels)``, uint8 or floats in [0, 1].
            generator: draws first weights and batches, on the CPU.
            steps: batches.
        Returns:
            The loss of each step, binary cross-entropy in nats a pixel.
        Raises:
            UsageError: frames of another shape.
        """
        x = self._tensor(frames)
        for layer in (self.net.encoder, self.net.decoder):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)  # torch's own law, drawn from the generator given
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        optimizer, losses = torch.optim.Adam(self.net.parameters(), lr=lr), []
        for _ in range(steps):
            batch = x[torch.randint(len(x), (batch_size,), generator=generator).to(x.device)]
            loss = F.binary_cross_entropy_with_logits(self.net(batch), batch)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            losses.append(loss.item())
        self.learn_types(frames[:: max(1, len(frames) // 100)])
        return losses

    @torch.no_grad()
    def learn_types(self, frames: Frames) -> None:
        """Learns background and types anew: all that ``fit`` does but train."""
        codes = self.net.encode(self._tensor(frames))
        self.background = codes.transpose(0, 1).flatten(1).median(1).values
        self.strongest = self._saliency(codes).amax()
        self.means, self.counts = self.means[:0], self.counts[:0]
        _, _, spectra = self._find(codes)
        for spectrum in spectra[:: max(1, len(spectra) // _MOST)]:
            kind = int(self._nearest(spectrum[None], is_open=True)[0])
            if kind == self.n_types:
                self.means, self.counts = torch.cat((self.means, spectrum[None])), torch.cat((self.counts, self.counts.new_ones(1)))
            else:
                self.counts[kind] += 1
                self.means[kind] += (spectrum - self.means[kind]) / self.counts[kind]
        for _ in range(_PASSES * bool(self.n_types)):
            kinds = F.one_hot(self._nearest(spectra, is_open=False), self.n_types).float()
            self.counts = kinds.sum(0)
            kept = self.counts > self.rare * len(spectra)
            self.means = (kinds.T @ spectra / self.counts[:, None])[kept]
            self.counts = self.counts[kept]

    def __call__(self, frame: Frames) -> Objects:
        """Returns the objects of one frame."""
        return self.extract(np.asarray(frame)[None])[0]

    @torch.no_grad()
    def extract(self, frames: Frames | Tensor) -> list[Objects]:
        """Returns the objects of each frame, positions in pixels.

        Raises:
            UsageError: frames of another shape, or nothing was learnt yet.
        """
        if not self.n_types:
            raise UsageError("the extractor knows no type of object; call fit(frames, generator) with frames that show some.")
        x = self._tensor(frames)
        owners, places, spectra = self._find(self.net.encode(x))
        kinds = self._nearest(spectra, is_open=False).cpu().numpy()
        ends = np.searchsorted(owners.cpu().numpy(), np.arange(1, len(x)))
        positions = 2.0 * places.double().cpu().numpy() + 0.5  # the middle of the two pixels that a place stands for
        return [Objects(a, b) for a, b in zip(np.split(kinds, ends), np.split(positions, ends), strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Returns all that was learnt."""
        return {
            "net": self.net.state_dict(),
            "background": self.background,
            "strongest": self.strongest,
            "means": self.means,
            "counts": self.counts,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.net.load_state_dict(state["net"])
        self.background, self.strongest = state["background"].to(self.device), state["strongest"].to(self.device)
        self.means, self.counts = state["means"].to(self.device), state["counts"].to(self.device)

    def _tensor(self, frames: Frames | Tensor) -> Tensor:
        x = torch.as_tensor(frames, device=self.device)
        if x.ndim == 3:
            x = x[..., None]
        if x.ndim != 4 or x.shape[-1] != self.channels:
            raise UsageError(
                f"frames of shape {tuple(x.shape)} do not go with channels={self.channels}; give (n, h, w) or (n, h, w, {self.channels})."
            )
        scale = 255.0 if x.dtype == torch.uint8 else 1.0
        return x.permute(0, 3, 1, 2).float() / scale

    def _saliency(self, codes: Tensor) -> Tensor:
        """Returns how far the most active feature is from the background, smoothed over half an object: ``(n, h / 2, w / 2)``."""
        return self._smooth((codes - self.background[:, None, None]).abs().amax(1, keepdim=True))[:, 0]

    def _smooth(self, x: Tensor) -> Tensor:
        sigma = self.size / 2 / 3  # in places of two pixels: three of it are an object's size
        reach = math.ceil(2 * sigma)
        bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=x.device) / sigma) ** 2)
        bell = (bell / bell.sum()).expand(x.shape[1], 1, -1)
        n = x.shape[1]
        x = F.conv2d(x, bell[:, :, :, None], padding=(reach, 0), groups=n)
        return F.conv2d(x, bell[:, :, None, :], padding=(0, reach), groups=n)

    def _find(self, codes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns frame ``(n,)``, place ``(n, 2)`` and spectrum ``(n, features)`` of each object."""
        saliency = self._saliency(codes)
        side = 2 * max(round(self.size / 4), 1) + 1  # an object's size, in places, and odd
        is_peak = (saliency == F.max_pool2d(saliency, side, 1, side // 2)) & (saliency > self.threshold * self.strongest)
        frame, row, column = is_peak.nonzero(as_tuple=True)
        spectra = F.max_pool2d(codes, side, 1, side // 2)[frame, :, row, column] - self.background
        return frame, torch.stack((row, column), 1), spectra

    def _nearest(self, spectra: Tensor, is_open: bool) -> Tensor:
        """Returns the type of each spectrum; the number of types for a new one, if there may be one."""
        if not self.n_types:
            return torch.zeros(len(spectra), dtype=torch.long, device=spectra.device)
        distance = (spectra[:, None] - self.means).square().sum(-1) / self.means.square().sum(-1)
        nearest = distance.min(1)
        is_new = (nearest.values > self.novelty) & is_open & (self.n_types < self.max_types)
        return torch.where(is_new, self.n_types, nearest.indices)
