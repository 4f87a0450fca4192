"""Maps written down so that a loaded record can make its own again."""

from collections.abc import Mapping
from typing import Any

from cfdyn.errors import CfdynError, UsageError
from cfdyn.registry import catalogue
from cfdyn.symbolic.derived import CircleMap
from cfdyn.symbolic.maps import FormulaMap, LossMap
from cfdyn.symbolic.programs.angles import circle_map
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.steps import as_map


def recipe_of(step: Map) -> dict[str, Any] | None:
    """Texts, names and numbers from which the map can be made again; None if these do not determine it, as with data rows.

    >>> step = Map.from_text("r*x*(1-x)", params={"r": 2.0})
    >>> make_map_again(recipe_of(step))([0.25])
    array([0.375])
    """
    spec = step.spec
    if isinstance(spec, CircleMap):
        base = recipe_of(Map(spec.base))
        return None if base is None else {**base, "periodic": dict(spec.periods), "cut": spec.cut}
    if isinstance(spec, FormulaMap):
        return {"formulas": [f.text for f in spec.formulas], "names": list(spec.names), "params": dict(spec.params)}
    if not isinstance(spec, LossMap) or spec.loss.data is not None or spec.loss.shapes:
        return None
    loss, optimizer = spec.loss, spec.optimizer
    recipe = {
        "loss": {"formula": loss.formula.text, "names": list(loss.variables), "params": dict(loss.params)},
        "optimizer": {"name": optimizer.name, "params": dict(optimizer.params), "options": dict(optimizer.options)},
    }
    try:
        return recipe if make_map_again(recipe).spec.key == spec.key else None
    except (CfdynError, TypeError):
        return None


def make_map_again(recipe: Mapping[str, Any] | None) -> Map:
    """The map of a recipe; a UsageError if there is none."""
    if recipe is None:
        raise UsageError("this record does not hold the formulas of its map (they read data, or are not from the catalogue): "
                         "make the map again, and call continue_cycle(step, record.points…)")  # fmt: skip
    if "periodic" in recipe:
        base = make_map_again({key: part for key, part in recipe.items() if key not in ("periodic", "cut")})
        return Map(circle_map(base.spec, recipe["periodic"])).cut_at(recipe["cut"])
    if "formulas" in recipe:
        return Map.from_text(recipe["formulas"], recipe["names"], recipe["params"])
    loss, optimizer = recipe["loss"], recipe["optimizer"]
    made = catalogue("optimizers").get(optimizer["name"])(**optimizer["params"], **optimizer["options"])
    return as_map(Loss(loss["formula"], loss["names"], loss["params"]), made)
