"""Exact lifts of a map: its orbits as a slowly moving centre and an oscillation about it, without approximation.

With G(z) = f(z) − z, for gradient descent −ηg, a lift writes an orbit z_{t+1} = z_t + G(z_t) as a centre, which moves
slowly even if the orbit oscillates, and an oscillation about it. The rod flow and the edge flow are continuous-time
models of these two maps.

>>> import cfdyn as cf
>>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
>>> orbit = cf.iterate(cf.lifts.edge(step), cf.lifts.edge_start(step, [1.1]), 200)
>>> orbit.names, orbit.z[-1].round(6)  # the centre of the 2-cycle and its half-width
(('w', 'swing_w'), array([0.965307, 0.150756]))
"""

from typing import Any

import numpy as np

from cfdyn.symbolic.derived import LiftedMap
from cfdyn.symbolic.text.formula import AsSystem
from cfdyn.systems.map import Map, require_map

__all__ = ["edge", "edge_start", "rod", "rod_start"]


def __dir__() -> list[str]:
    return __all__


def rod(step: Map | AsSystem) -> Map:
    """The rod lift: z̄ = (z_{t+1} + z_t)/2 and δ = (z_{t+1} − z_t)/2 as the state (2D,) of one map.

        z̄⁺ = z̄ + ½(G₊ + G₋),  δ⁺ = ½G₊,  G± = G(z̄ ± δ).

    Along an orbit δ = ½G₋ too, hence δ⁺δ⁺ᵀ − δδᵀ = ¼(G₊G₊ᵀ + G₋G₋ᵀ) − 2δδᵀ. Only starts with δ = ½G(z̄ − δ), such as
    `rod_start`, belong to an orbit of the map. Loss and sharpness are evaluated at z̄.

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.5))
    >>> lifted = cf.lifts.rod(step)
    >>> orbit = cf.iterate(lifted, cf.lifts.rod_start(step, [0.5]), 10)
    >>> lifted.names, float(abs(orbit.z.sum(axis=1) - cf.iterate(step, [0.5], 11).w[1:, 0]).max()) < 1e-15
    (('w', 'delta_w'), True)

    References
    ----------
    The identity that the rod flow of Regis & Chewi, arXiv 2602.01480, averages; exact as it stands, for any map.
    """
    return Map(LiftedMap(require_map(step).spec, "rod"))


def edge(step: Map | AsSystem) -> Map:
    """The edge lift: z_t = c_t + (−1)ᵗ v_t, with (c, v) as the state (2D,) of one map.

        c⁺ = c + ½(G₊ + G₋),  v⁺ = −v − ½(G₊ − G₋),  G± = G(c ± v).

    It is exact for every split of the start into c + v; c − v is then another orbit of the map, taken at odd t. A 2-cycle of
    the map is a fixed point of the lift. Loss and sharpness are evaluated at c.

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.quartic(S=2.5), cf.optimizers.gd(lr=1.0))
    >>> orbit = cf.iterate(cf.lifts.edge(step), cf.lifts.edge_start(step, [0.1]), 200)
    >>> print(abs(orbit.z[-1]).round(6))  # the 2-cycle ±√(S − 2/η)
    [0.       0.707107]

    References
    ----------
    The identity behind the edge flow of Marion, arXiv 2606.18080; exact as it stands, for any map.
    """
    return Map(LiftedMap(require_map(step).spec, "edge"))


def rod_start(step: Map | AsSystem, z0: Any) -> np.ndarray:
    """The state (2D,) of the rod lift for which z̄ − δ is the orbit from z₀: z̄ = z₀ + ½G(z₀), δ = ½G(z₀).

    Parameters
    ----------
    step : the map itself, not its lift
    z0 : (d,) weights or (D,) full state

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.lifts.rod_start(cf.as_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5)), [1.0])
    array([ 0.75, -0.25])
    """
    made = require_map(step)
    z = made.state(z0)
    after = made(z)
    return np.concatenate([(z + after) / 2, (after - z) / 2])


def edge_start(step: Map | AsSystem, z0: Any) -> np.ndarray:
    """The state (2D,) of the edge lift with c + v = z₀ and c − v = f(z₀): c_t = (z_t + z_{t+1})/2, the rod lift's centre.

    Parameters
    ----------
    step : the map itself, not its lift
    z0 : (d,) weights or (D,) full state

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.lifts.edge_start(cf.as_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5)), [1.0])
    array([0.75, 0.25])
    """
    middle, half = np.split(rod_start(step, z0), 2)
    return np.concatenate([middle, -half])
