"""Sentences on the cycles near a bifurcation, from its normal form."""

from __future__ import annotations

import numpy as np

from cfdyn.words import called


def of_drift(rate: float, period: int) -> str:
    """A flip across a continuum of cycles along which the oscillation moves."""
    where, twice = "to where the multiplier is inside the unit circle, and dies out there", called(2 * period)
    where = where if rate > 0 else "to where it grows faster"
    return f"across a continuum of cycles: the oscillation beyond the edge drifts along it, {where}; no {twice} stays"


def of_flip(supercritical: bool | None, period: int, hyperbolic: bool, continuum: bool, has_loss: bool) -> str:
    """The flip of an n-cycle, without the size of what is born."""
    twice = called(2 * period)
    if supercritical is None:
        return "degenerate (its cubic term vanishes, as for a linear map)"
    if not supercritical:
        what = "minimum" if period == 1 and has_loss else called(period)
        return f"subcritical: an unstable {twice} shrinks onto the {what} before the edge; beyond it the orbit jumps away"
    if continuum:
        return f"supercritical across its continuum of cycles: just beyond the edge a {twice} is born"
    if hyperbolic:
        return f"supercritical on its centre manifold: beyond it a {twice} exists, unstable in other directions"
    return f"supercritical: just beyond the edge a stable {twice} is born"


def amplitude(pace: float, coefficient: float, share: float, parameter: str, period: int) -> str:
    """The half-amplitude of the 2n-cycle born where the multiplier moves at this pace per relative change."""
    if pace <= 1e-9:
        return ""
    mean = " (root mean square over the cycle)" if period > 1 else ""
    return f", its half-amplitude{mean} {share * np.sqrt(pace / coefficient):.3g} √({parameter}/edge − 1)"


def of_fold(a: float, beta: float, parameter: str, period: int, hyperbolic: bool) -> str:
    """Where the two cycles of a fold are."""
    what = called(period, several=True)
    kinds = "both unstable in other directions" if hyperbolic else "one stable and one unstable"
    if not np.isfinite(beta):
        return f"two {what}, {kinds}, meet, and vanish unless this is a branch point: name a parameter to tell them apart"
    side = "above" if beta * a < 0 else "below"
    return f"two {what}, {kinds}, exist for {parameter} {side} its value here, meet there and vanish"


def of_flat(form: str, leading: float, beta: float, parameter: str, period: int, hyperbolic: bool) -> str:
    """A fold without a quadratic term."""
    if form == "cusp":
        return "degenerate: a cusp, where two folds meet"
    if not leading:
        return "degenerate: the quadratic, the cubic and the quartic term vanish"
    two = of_fold(leading, beta, parameter, period, hyperbolic)
    return f"degenerate: the quadratic and the cubic term vanish, the quartic one does not: {two}"


def of_touching(what: str, parameter: str, side: str) -> str:
    """A multiplier on the unit circle that comes from one side of it and goes back."""
    return f"degenerate: {what} and does not cross it: for {parameter} on both sides it is {side} the unit circle"


def of_neimark_sacker(d: float, theta: float, supercritical: bool | None, hyperbolic: bool) -> str:
    """The invariant circle."""
    turn = f"rotation {theta / (2 * np.pi):.6g} of a turn"
    if supercritical is None:
        return f"degenerate (the first Lyapunov coefficient vanishes), {turn}"
    if not supercritical:
        return f"subcritical: an unstable invariant circle shrinks onto the cycle; beyond it the orbit jumps away ({turn})"
    if hyperbolic:
        return f"supercritical on its centre manifold: an invariant circle is born, unstable in other directions ({turn})"
    return f"supercritical: a stable invariant circle is born ({turn})"


def of_branch_point(form: str, supercritical: bool | None) -> str:
    """Which branches cross."""
    if form == "transcritical":
        return "transcritical: two branches cross and exchange their stability"
    if form == "isola":
        return "an isolated point: the cycles here have no neighbours for other values of the parameter"
    if form == "degenerate":
        return "degenerate: branches meet here, and the terms up to third order do not tell how"
    side = "beyond it two stable branches" if supercritical else "before it two unstable branches"
    return f"pitchfork, {'super' if supercritical else 'sub'}critical: {side} exist beside the one that changes its stability"


def of_many_flips(found: list[dict], k: int, gradient: bool, complete: bool, least: float, supercritical: bool | None) -> str:
    """The 2-cycles born where several multipliers are −1 at once."""
    start = f"{k} multipliers are −1 at once"
    if supercritical is None and least == 0:
        return f"{start}: degenerate (the cubic terms vanish, as for a linear map)"
    field = (
        "the cubic form is a gradient, so that near onset only 2-cycles arise, no longer period and no invariant circle"
        if gradient
        else "the cubic form is no gradient, so that invariant circles are not excluded"
    )
    beyond = [cycle for cycle in found if cycle["kappa"] > 0]
    stable = sum(cycle["stable"] for cycle in beyond)
    if not found and not complete:
        many = "all directions carry 2-cycles alike"
    else:
        many = f"{len(beyond)} cycles of period 2 beyond the edge, {stable} of them stable{'' if complete else ' (a search)'}"
    return f"{start}; {field}: {many}" + ("" if supercritical else "; in some directions orbits jump away")
