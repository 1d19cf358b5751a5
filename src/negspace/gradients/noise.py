"""The gradient noise scale (McCandlish et al. 2018, arXiv 1812.06162): how much gradients of parts disagree.

A gradient over ``B`` units of data has expected squared norm ``|G|² + tr Σ / B``. Two batch sizes give both
terms without bias (appendix A.1): with the smaller ``b`` and the larger ``B``,

    |G|² = (B |G_B|² - b |G_b|²) / (B - b)        tr Σ = (|G_b|² - |G_B|²) / (1/b - 1/B)

and the simple noise scale (eq. 2.9) is ``tr Σ / |G|²``: the batch at which signal and noise are equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int


@dataclass(frozen=True, eq=False)
class NoiseScale:
    """Signal and noise of gradients, each estimated without bias.

    Attributes:
        signal: ``|G|²``; may come out negative where it drowns in the noise.
        noise: ``tr Σ``, for a batch of one unit; may come out negative where there is next to none.
        scale: ``noise / signal``, in units of data; NaN where either estimate is not positive.
            A ratio of unbiased estimates, it is itself biased.
    """

    signal: Float64[np.ndarray, "*shape"]
    noise: Float64[np.ndarray, "*shape"]
    scale: Float64[np.ndarray, "*shape"]


def noise_scale(
    small: Float64[np.ndarray, "*shape"],
    large: Float64[np.ndarray, "*shape"],
    *,
    small_size: Float64[np.ndarray, "*shape"] | float,
    large_size: Float64[np.ndarray, "*shape"] | float,
) -> NoiseScale:
    """Estimate the noise scale from squared norms at two sizes of batch.

    Args:
        small: Mean squared norm of the gradients of small batches.
        large: Squared norm of the gradient of the large batch, or the mean over several.
        small_size: Units of data in a small batch; for sizes that differ, their harmonic mean.
        large_size: Units in the large one; NaN comes out where it is not larger.
    """
    b, large_b = np.asarray(small_size, dtype=float), np.asarray(large_size, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(large_b > b, large_b - b, np.nan)
        signal = (large_b * large - b * small) / apart
        noise = (small - large) * b * large_b / apart
        scale = np.where((signal > 0) & (noise > 0), noise / signal, np.nan)
    return NoiseScale(np.asarray(signal), np.asarray(noise), scale)


def spans(scored: int, n: int) -> Int[np.ndarray, " bounds"]:
    """Cut scored tokens into runs of nearly equal length.

    Returns:
        Where each run starts, counted from the first scored token, and the end of the last.
    """
    return np.linspace(0, scored, min(n, scored) + 1).round().astype(np.int64)
