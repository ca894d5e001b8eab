"""How often everything fails at the same moment, though its parts fail for shared and for separate reasons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

MOST_UNITS = 12
"""Every combination of units is counted: 4,096 of them for twelve."""


def all_fail(load: Numbers, reach: Numbers) -> Numbers:
    """Chance that a request finds all units failing, shape (…,).

    ``load``, shape (…, causes): mean number of outages of each cause that run at a moment and affect the request
    (outages a minute x mean of minutes x share). ``reach``, shape (causes, units): chance that an outage of the cause
    takes the unit down; an outage affects the same requests on all units it takes down.

    The outages that run at a moment are Poisson distributed whatever their lengths (an M/G/∞ queue), so none hits a set
    S of units with chance exp(-sum of load x (1 - product over S of (1 - reach))). Inclusion and exclusion over all
    sets gives the chance that every unit is hit. Exact.
    """
    units = reach.shape[1]
    if units > MOST_UNITS:
        raise ValueError(f"{units} units, and the model counts every combination of at most {MOST_UNITS}; name fewer")
    sets = (np.arange(2**units)[:, None] >> np.arange(units)) & 1
    spared = np.prod(np.where(sets[None, :, :] == 1, 1 - reach[:, None, :], 1.0), axis=2)
    # The signs sum to 0, so exp may be replaced by exp - 1: it keeps the digits of small chances.
    signs = np.where(sets.sum(axis=1) % 2 == 0, 1.0, -1.0)
    chance: Numbers = np.clip(np.expm1(-(load @ (1 - spared))) @ signs, 0.0, 1.0)
    return chance
