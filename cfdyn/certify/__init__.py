"""Proofs: each function returns a `Certificate`, a theorem about a map together with evidence that anyone can verify.

The map is given by a loss and an optimizer, or by formulas; all arithmetic uses intervals and balls. If something cannot be
proved, the certificate states the reason. `check` verifies a certificate or its file; the only code that it shares with the
prover is the parser of formulas.

>>> import cfdyn as cf
>>> proof = cf.certify.cycle("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1.46), [0.5], period=3)
>>> proof.proved, proof.claim["period"], proof.claim["stable"]
(True, 3, True)
>>> cf.certify.check(proof.document).valid
True
"""

import importlib
import sys
from typing import Any

from cfdyn.errors import no_attribute
from cfdyn.registry import Rebinding

_WHERE = {
    "cycle": "cycle", "branch": "branch", "bifurcation": "bifurcation", "cycles": "ledger", "no_cycles": "absence",
    "chaos": "chaos", "horseshoe": "horseshoe", "trapping": "trapping", "convergence": "convergence", "edge": "edge",
    "measure": "measure", "check": "checker.check", "Certificate": "certificate",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise no_attribute("cfdyn.certify", name, _WHERE)
    value = sys.modules[__name__]._entry(name, importlib.import_module(f"cfdyn.certify.{_WHERE[name]}"))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_WHERE)


sys.modules[__name__].__class__ = Rebinding
