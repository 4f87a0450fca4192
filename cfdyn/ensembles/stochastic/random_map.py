"""`random_map`: an optimizer on random batches, or any map with noise, for the analyses of random maps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.ensembles.stochastic.sampling import Sampling, sampling_of
from cfdyn.errors import UsageError, shown, unknown
from cfdyn.flows._noisy import covariance_of
from cfdyn.machine.portable import Portable
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.steps import as_map
from cfdyn.words import LONGEST_REPR, few, shortened

VARIED = ("noise", "batch", "label_noise", "repeat", "seed")
WITHOUT: dict[str, Any] = {"batch": None, "noise": None, "label_noise": 0.0}


class RandomMap(Portable):
    """A map with random numbers at each step; made by `random_map`.

    ``sampling`` has the step and its streams; ``step``: the deterministic map, on all rows and without noise.
    """

    def __init__(self, made_of: tuple[Any, Optimizer | None], settings: dict[str, Any]):
        self._made_of, self._settings = made_of, settings
        thing, optimizer = made_of
        if optimizer is None:
            self.step, self.sampling = thing, _of_map(thing, **settings)
        else:
            self.step = as_map(thing, optimizer)
            given = {**settings, "noise": _covariance(self.step.n_weights, settings["noise"])}
            self.sampling = sampling_of(thing, optimizer, **given)

    @property
    def title(self) -> str:
        """The map and its randomness, for messages and figures."""
        words, said = [self.step.title], self._settings
        if said["batch"] is not None:
            words.append(f"batches of {said['batch']}")
        if said["noise"] is not None:
            words.append(f"noise {_in_words(said['noise'])}")
        if said["label_noise"]:
            words.append(f"noise of labels {said['label_noise']:g}")
        if said["repeat"] > 1:
            words.append(f"{said['repeat']} steps each")
        return ", ".join(words)

    def __repr__(self) -> str:
        return shortened(f"RandomMap({self.title}; state {few(self.step.names)})", LONGEST_REPR)

    @property
    def random(self) -> bool:
        """False if the map has no randomness, so that all runs are the same."""
        return self.sampling.random

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings for a record's provenance."""
        return {"map": self.step.title, "params": self.step.params, "random": self.title, **self.sampling.settings}

    def at(self, /, **params: float) -> RandomMap:
        """The random map with other values of the map's parameters, such as lr."""
        thing, optimizer = self._made_of
        if isinstance(thing, Map):
            return RandomMap((thing.at(**params), None), self._settings)
        spec = self.step.at(**params).spec
        assert isinstance(spec, LossMap)
        return RandomMap((Loss.from_spec(spec.loss), spec.optimizer), self._settings)

    def varied(self, name: str, value: Any) -> RandomMap:
        """The random map with another ``noise``, ``batch``, ``label_noise``, ``repeat`` or ``seed``, or value of a parameter.

        >>> import cfdyn as cf
        >>> cf.random_map(cf.Map.from_text("x/2"), noise=1.0).varied("noise", 0.25)
        RandomMap(x → x/2, noise 0.25; state x)
        """
        if name in VARIED:
            return RandomMap(self._made_of, {**self._settings, name: value})
        if name not in self.step.params:
            raise unknown("noise, size or parameter", name, [*VARIED, *self.step.params])
        return self.at(**{name: number(name, value)})

    def without(self) -> RandomMap:
        """The map without randomness: all rows, no noise."""
        return RandomMap(self._made_of, {**self._settings, **WITHOUT})


def random_map(
    of: Loss | Map, optimizer: Optimizer | None = None, batch: int | None = None, noise: Any = None, label_noise: float = 0.0,
    repeat: int = 1, replace: bool = True, order: str = "independent", seed: int = 0,
) -> RandomMap:  # fmt: skip
    r"""A random map: a step of an optimizer on random rows or with noise, or any other map with noise.

    For a loss and gradient descent, :math:`w_{t+1} = w_t - \eta(\nabla L_{B_t}(w_t) + \xi_t)`, and likewise for every
    optimizer; for a map :math:`z_{t+1} = f(z_t) + \xi_t`. ξ is normal with mean 0. The random numbers of run k at step t are a
    function of (seed, k, t) alone, the same as in `cf.iterate_many`.

    Parameters
    ----------
    of, optimizer : a loss and an optimizer, or a map alone
    batch : number of rows in each step; None for all of them
    noise : variance of ξ for each weight (each entry of a map's state), d variances, or a covariance (d, d)
    label_noise : standard deviation of normal noise on the column y of each row that is drawn
    repeat : number of steps with each batch, and with each ξ
    replace, order, seed : as for `cf.iterate_many`

    Raises
    ------
    UsageError : a map with an optimizer, batches or labels; a loss without an optimizer; arguments that `cf.iterate_many`
        refuses

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.random_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.1), noise=0.5)
    >>> step.random, step.without().random
    (True, False)
    """
    if isinstance(of, Map) == (optimizer is not None):
        raise UsageError("a random map is made of a loss and an optimizer, or of a map alone")
    if not isinstance(of, Loss | Map):
        raise UsageError(f"a random map is made of a loss and an optimizer, or of a map alone, not of {shown(of)}")
    given = {"batch": batch, "noise": noise, "label_noise": label_noise, "repeat": repeat, "replace": replace, "order": order,
             "seed": seed}  # fmt: skip
    return RandomMap((of, optimizer), given)


def _of_map(step: Map, batch: Any, noise: Any, label_noise: float, repeat: int, replace: bool, order: str, seed: int) -> Sampling:
    """The sampling of a map with noise."""
    if batch is not None or label_noise:
        raise UsageError("batches and noise of labels are of rows of data, and a map has none: give `noise`")
    covariance = _covariance(step.n_weights, noise)
    seed, repeat = whole_number("seed", seed, 0), whole_number("repeat", repeat, 1)
    return Sampling(step.spec, None, "replacement", seed, covariance, 0.0, repeat)


def _covariance(d: int, noise: Any) -> np.ndarray | None:
    """The covariance (d, d); a number is the variance of each entry."""
    if noise is None:
        return None
    return covariance_of(d, [number("noise", noise, finite=True)] * d if np.isscalar(noise) else noise)


def _in_words(noise: Any) -> str:
    """One number, or the trace of a covariance."""
    given = np.asarray(noise, dtype=float)
    if given.ndim == 0:
        return f"{given:g}"
    return f"of trace {given.sum() if given.ndim == 1 else np.trace(given):g}"


def sweep(step: RandomMap, varied: tuple[str, Any]) -> tuple[str, list[Any], list[RandomMap]]:
    """The name, the values, increasing, and the random map at each."""
    try:
        name, given = varied
        values = np.asarray(list(given), dtype=float)
    except (TypeError, ValueError):
        raise UsageError('what is varied is a name and its values, ("noise", [0.01, 0.1])') from None
    if not isinstance(name, str) or values.ndim != 1 or not len(values) or not (np.diff(values) > 0).all():
        raise UsageError('what is varied is a name and its increasing values, ("noise", [0.01, 0.1])')
    whole = name in ("batch", "repeat", "seed")
    settings: Sequence[Any] = [whole_number(name, v, int(name != "seed")) for v in values.tolist()] if whole else values.tolist()
    return name, list(settings), [step.varied(name, value) for value in settings]
