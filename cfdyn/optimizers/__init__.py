"""The catalogue of optimizers: one file each, named after the optimizer."""

from cfdyn.registry import open_catalogue

open_catalogue(__name__)
