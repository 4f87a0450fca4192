"""Certificates that lean on a symmetry of the map, with what they say of it wrong, or what it stands for missing."""

from collections.abc import Iterator
from typing import Any

from tests.certify.checker.corruptions import LOSS, PARAMS, STEP, Document, changed, on, scaled
from tests.certify.checker.examples import document

WELL, COSH, VALLEYS, NONE = "cycles-mirrored-double-well-3", "cycles-mirrored-log-cosh-2", "cycles-mirrored-valleys-2", "no_cycles-mirrored-double-well-3"
NAMES = (WELL, COSH, VALLEYS, NONE)
TURNS = ("evidence", "symmetries")


def of_symmetries() -> Iterator[tuple[str, Document]]:
    """No symmetry of the map, of the box, or at all; its consequences without it."""
    for name in NAMES:
        turns = document(name)["evidence"]["symmetries"]
        yield f"{name}: a file of version 1", changed(name, (("version",), 1))
        yield f"{name}: a file of version 1 without the key", changed(name, (("version",), 1), (TURNS, ...))
        yield f"{name}: a map that is hardly symmetric", changed(name, (LOSS, lambda old: old + (" + y/10**9" if "y" in old else " + w/10**9")))
        yield f"{name}: an optimizer that drifts", changed(name, (STEP, "w - lr*g + lr/10**9"))
        yield f"{name}: a box that is not symmetric", changed(name, (("claim", "box", 0), lambda old: [old[0], (float.fromhex(old[1]) + 1e-9).hex()]))
        for label, turn in {"the identity": list(range(1, len(turns[0]) + 1)), "no permutation": [-1] * (len(turns[0]) + 1), "zeros": [0] * len(turns[0]),
                            "texts": ["-1"] * len(turns[0]), "numbers": [-1.0] * len(turns[0]), "a coordinate twice": [1, 1] if len(turns[0]) > 1 else [2]}.items():  # fmt: skip
            yield f"{name}: a symmetry that is {label}", changed(name, (TURNS, lambda old, turn=turn: [*old, turn]))
    yield f"{NONE}: a box that is a point", changed(NONE, (("claim", "box", 0), [(0.0).hex()] * 2), (("evidence", "tree"), "m"))
    yield "valleys: a turn of one coordinate more than there are", changed(VALLEYS, (TURNS, lambda old: [[*t, 3] for t in old]))
    yield "valleys that are not the same along both axes", changed(VALLEYS, (LOSS, lambda old: old + " + x**2/10**9"))
    yield "valleys: a map that is odd, and no more", changed(VALLEYS, (LOSS, lambda old: old + " + x*y**3/10**9"))
    yield "no cycles of any period above 1, by mirrors", changed(NONE, (("claim", "period"), "all above 1"))
    yield "fold with mirrors", changed("no_cycles-log-cosh-all-above-2", (("version",), 2), (TURNS, [[-1]]))
    yield "no cycles: rates with a 3-cycle", changed(NONE, (("vary", "lr", 1), "1.46"), ((*PARAMS, "lr", 1), "1.46"))


def of_halves() -> Iterator[tuple[str, Document]]:
    """The half that is looked at taken away with the cycles in it, or the cycles in the other half: counts that are too small."""
    for name, d in ((WELL, "3"), (WELL, "1"), (COSH, "2"), (COSH, "1"), (VALLEYS, "2"), (VALLEYS, "1")):
        for label, text in {"both halves mirrored": "0mm", "all passed": "r", "all mirrored": "m", "a half passed": "0mr", "the tree as it was": None}.items():
            found = _with(name, d, [])
            found["evidence"]["ledgers"][d]["tree"] = text or found["evidence"]["ledgers"][d]["tree"]
            yield f"{name}: {label} and no cycles in the ledger of {d}", found
        cycles = document(name)["evidence"]["ledgers"][d]["proven"]
        for k in sorted({0, 1, len(cycles) - 1} & set(range(len(cycles)))):
            yield f"{name}: cycle {k} of the ledger of {d} dropped", _with(name, d, cycles[:k] + cycles[k + 1 :])
            without = _with(name, d, cycles[:k] + cycles[k + 1 :])
            without["evidence"]["symmetries"] = []
            yield f"{name}: cycle {k} of the ledger of {d} dropped, mirrored by nothing", without
        if len(cycles) > 1:
            yield f"{name}: cycles 0 and 1 of the ledger of {d} dropped", _with(name, d, cycles[2:])
            yield f"{name}: an image of the ledger of {d} moved a little", changed(name, (("evidence", "ledgers", d, "proven", 1, 0, 0), on(scaled, 0.9)))
    yield "log cosh: the cycle that is its own image is not made symmetric", changed(COSH, (("evidence", "ledgers", "2", "proven", 0, 0, 0), on(scaled, 0.99)))
    for label, text in {"both halves mirrored": "0mm", "all passed": "r", "all mirrored": "m"}.items():
        yield f"{NONE}: {label} where there is a 3-cycle", changed(NONE, (("evidence", "tree"), text), (("vary", "lr", 1), "1.46"), ((*PARAMS, "lr", 1), "1.46"))
    yield f"{NONE}: a solved leaf", changed(NONE, (("evidence", "tree"), lambda t: t[:-1] + "s"))


def _with(name: str, d: str, cycles: list[Any]) -> Document:
    """With other cycles of period d, and counts that fit."""
    found = document(name)
    claim, less = found["claim"], len(found["evidence"]["ledgers"][d]["proven"]) - len(cycles)
    count = claim["count"] - less if d == str(claim["period"]) else claim["count"]
    return changed(name, (("evidence", "ledgers", d, "proven"), cycles), (("claim", "count"), count), (("claim", "fixed points"), claim["fixed points"] - int(d) * less))
