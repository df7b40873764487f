"""A logistic curve with lapses over the logarithm of a strength, and its fit by maximum likelihood.

The share called fake at strength s is ``g + (1 - g - l) / (1 + exp(-b (ln s - a)))``: g is the
share at strength 0 (false alarms), l the lapses at any strength, at most MAX_LAPSE, a and b the
place and the slope on the logarithm of the strength (Wichmann and Hill 2001, Perception &
Psychophysics 63, 1293-1313).
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

MAX_LAPSE = 0.1
EPSILON = 1e-6
_BOUNDS = (
    (math.log(0.005), math.log(20)),
    (math.log(0.5), math.log(40)),
    (0, 0.98),
    (0, MAX_LAPSE),
)
_STARTS = (0.1, 0.3, 0.8)
"""Strengths at which a fit begins; of all fits, the likeliest counts."""
Floats = NDArray[np.float64]


def fit_curve(strengths: Floats, called_fake: Floats, shown: Floats) -> Floats:
    """The likeliest a, ln b, g and l, of the images called fake and shown at each strength."""
    untouched = shown[strengths == 0].sum()
    alarms = float(called_fake[strengths == 0].sum() / untouched) if untouched else 0.0
    fits = [
        minimize(
            lambda parameters: _lose(parameters, strengths, called_fake, shown),
            np.array([math.log(strength), math.log(3), min(alarms, 0.9), 0.02]),
            jac=True,
            method="L-BFGS-B",
            bounds=_BOUNDS,
        )
        for strength in _STARTS
    ]
    best: Floats = min(fits, key=lambda fit: float(fit.fun)).x
    return best


def solve_curve(parameters: Floats, target: float) -> float | None:
    """The logarithm of the strength at which a share is called fake; None where there is none."""
    a, b, false_alarms, lapses = parameters
    rise = (target - false_alarms) / (1 - false_alarms - lapses)
    return float(a + logit(rise) / math.exp(b)) if 0 < rise < 1 else None


def predict_shares(parameters: Floats, strengths: Floats) -> tuple[Floats, Floats]:
    """The share called fake at each strength, and its derivatives by the parameters.

    ``parameters`` is fits x 4; returns fits x strengths, and fits x strengths x 4.
    """
    a, b, false_alarms, lapses = (column[:, None] for column in parameters.T)
    raised = strengths > 0
    slope = np.exp(b)
    distance = np.where(raised, np.log(np.where(raised, strengths, 1.0)) - a, 0.0)
    rise = np.where(raised, expit(slope * distance), 0.0)
    height = 1 - false_alarms - lapses
    bent = height * rise * (1 - rise) * slope
    share = np.clip(false_alarms + height * rise, EPSILON, 1 - EPSILON)
    return share, np.stack([-bent, bent * distance, 1 - rise, -rise], axis=-1)


def measure_loss(share: Floats, called_fake: Floats, shown: Floats) -> Floats:
    """The negative log-likelihood of each fit."""
    loss: Floats = -(called_fake * np.log(share) + (shown - called_fake) * np.log1p(-share)).sum(-1)
    return loss


def _lose(
    parameters: Floats, strengths: Floats, called_fake: Floats, shown: Floats
) -> tuple[float, Floats]:
    """The negative log-likelihood per image, and its gradient."""
    share, slopes = predict_shares(parameters[None], strengths)
    loss = measure_loss(share, called_fake, shown)[0]
    outer = (called_fake - shown * share[0]) / (share[0] * (1 - share[0]))
    gradient: Floats = -(outer[:, None] * slopes[0]).sum(axis=0) / shown.sum()
    return float(loss / shown.sum()), gradient
