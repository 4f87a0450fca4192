"""The catalogue of flows: one file each, a function of that name (loss, optimizer) → Flow."""

from cfdyn.registry import open_catalogue

open_catalogue(__name__)
