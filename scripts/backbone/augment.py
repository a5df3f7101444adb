# SPDX-License-Identifier: BSD-3-Clause
"""Turn grey masks into varied colour pictures, a whole batch at a time.

The shape is thickened or thinned, warped by a random affine map and a smooth elastic field, painted
in two colours of either polarity over a slope of light, shrunk to as few as 8 pixels and enlarged
again, and covered with noise. All randomness comes from one ``torch.Generator``, so a batch is a
function of its seed.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from .patterns import MaskBank

RESOLUTIONS = (8, 8, 10, 12, 16, 24, 0, 0)
"""The side a chunk of the batch is shrunk to before it is enlarged again; 0 leaves it sharp."""


def draw_batch(
    bank: MaskBank, batch_size: int, size: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw one batch, every class that has masks equally likely.

    Args:
        bank: The masks to draw from.
        batch_size: How many pictures.
        size: Side of the square pictures, in pixels.
        seed: The same seed gives the same batch.

    Returns:
        Pictures, float32 of shape (batch, 3, size, size) in [-1, 1], and labels, int64 (batch,).
    """
    generator = torch.Generator().manual_seed(seed)
    present = torch.from_numpy(bank.counts).nonzero().flatten()
    labels = present[torch.randint(len(present), (batch_size,), generator=generator)]
    starts, counts = torch.from_numpy(bank.starts)[labels], torch.from_numpy(bank.counts)[labels]
    picks = starts + (torch.rand(batch_size, generator=generator) * counts).long()
    masks = torch.from_numpy(bank.masks)[picks].float().div_(255.0).unsqueeze(1)
    shapes = _warp(_restroke(masks), size, generator)
    pictures = _shrink(_paint(shapes, generator), size, generator)
    noise = torch.randn(pictures.shape, generator=generator)
    strength = torch.rand(batch_size, 1, 1, 1, generator=generator).square() * 0.15
    return (pictures + noise * strength).clamp_(0.0, 1.0).mul_(2.0).sub_(1.0), labels


def _restroke(masks: torch.Tensor) -> torch.Tensor:
    """Thicken two sixths of the batch, thin one sixth; labels are drawn at random, so any sixth."""
    part = max(1, len(masks) // 6)
    thick = F.max_pool2d(masks[:part], 5, 1, 2)
    bold = F.max_pool2d(masks[part : 2 * part], 3, 1, 1)
    thin = -F.max_pool2d(-masks[2 * part : 3 * part], 3, 1, 1)
    return torch.cat((thick, bold, thin, masks[3 * part :]))


def _warp(masks: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
    """A random affine map and an elastic field (Simard et al., ICDAR 2003), bilinear sampling."""
    count = len(masks)

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    angle, shear = uniform(-0.3, 0.3), uniform(-0.35, 0.35)
    zoom, stretch = uniform(0.75, 1.35), torch.exp(uniform(-0.3, 0.3))
    cos, sin = torch.cos(angle), torch.sin(angle)
    across, along = zoom * stretch, zoom / stretch
    theta = torch.stack(
        (
            torch.stack((across * cos, across * (shear * cos - sin), uniform(-0.2, 0.2)), 1),
            torch.stack((along * sin, along * (shear * sin + cos), uniform(-0.2, 0.2)), 1),
        ),
        1,
    )
    grid = F.affine_grid(theta, [count, 1, size, size], align_corners=False)
    coarse = torch.randn(count, 2, 4, 4, generator=generator) * uniform(0.0, 0.14).view(-1, 1, 1, 1)
    field = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)
    grid = grid + field.permute(0, 2, 3, 1)
    return F.grid_sample(masks, grid, padding_mode="border", align_corners=False)


def _paint(shapes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Ink and paper of a random grey level, half of them tinted, under a slope of light."""
    count, size = len(shapes), shapes.shape[-1]

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(count, *shape, generator=generator)

    gap = 0.3 + 0.7 * random(1, 1, 1).sqrt()
    dark = random(1, 1, 1) * (1.0 - gap)
    tint = (random(2, 3, 1, 1) - 0.5) * 0.6 * (random(1, 1, 1, 1) < 0.5)
    low, high = dark + tint[:, 0], dark + gap + tint[:, 1]
    inverted = (random(1, 1, 1) < 0.5).float()
    amount = shapes * (1.0 - inverted) + (1.0 - shapes) * inverted
    line = torch.linspace(-1.0, 1.0, size)
    angle = random(1, 1, 1) * 2.0 * math.pi
    slope = torch.cos(angle) * line.view(1, 1, 1, -1) + torch.sin(angle) * line.view(1, 1, -1, 1)
    return low + (high - low) * amount + slope * 0.25 * random(1, 1, 1).square()


def _shrink(pictures: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
    """Give each chunk of the batch the look of a low-resolution picture that was enlarged."""
    chunks = []
    for chunk in pictures.chunk(8):
        side = RESOLUTIONS[int(torch.randint(len(RESOLUTIONS), (1,), generator=generator))]
        if side:
            small = F.interpolate(chunk, size=(side, side), mode="area")
            chunk = F.interpolate(small, size=(size, size), mode="bicubic", align_corners=False)
        chunks.append(chunk)
    return torch.cat(chunks)
