"""One p-value for a claim of several parts: better on some test, and worse on none."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def better_without_loss(
    more: Float[np.ndarray, "arms tests"], no_less: Float[np.ndarray, "arms tests"]
) -> Float[np.ndarray, " arms"]:
    """P-value of each arm that it is better on at least one test, and on no other test worse by the margin.

    With two tests there are two ways to be so, better on one or on the other, and the p of a way is the
    larger of "more" on the one and "no less" on the other: all parts of a claim must hold, so that the
    weakest decides, uncorrected for their number (intersection-union: Berger 1982). The better way counts.
    Only "more" is corrected for there being several (Bonferroni), as every way takes "no less" of all
    tests: whatever else an arm shows, one that loses by the margin passes that test with its nominal chance.

    Args:
        more: One-sided p-values that an arm exceeds the reference on each test.
        no_less: One-sided p-values that it does not fall short by the margin; of the same intervals, and so
            none above those of ``more``.

    Returns:
        One p-value an arm; NaN where one of its tests gave none.
    """
    gain = np.minimum(1.0, more.shape[1] * more.min(axis=1))
    return np.asarray(np.maximum(gain, no_less.max(axis=1)))
