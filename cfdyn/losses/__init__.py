"""The catalogue of losses: one file each, named after the loss; ``cf.losses.NAME(…)`` is a `cf.Loss`."""

from cfdyn.registry import open_catalogue

open_catalogue(__name__, wrap="cfdyn.systems.loss:Loss.from_spec")
