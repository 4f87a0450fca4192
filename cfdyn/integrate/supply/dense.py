"""`Dense`: a flow whose Hessian is available as a matrix, with eigenvectors by a dense method."""

from collections.abc import Sequence

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate._kernels.edge.checks import inspect, project, read_off
from cfdyn.integrate._kernels.edge.forces import FAINT, hold, push, start
from cfdyn.integrate._kernels.edge.jacobian import hold_jacobian
from cfdyn.integrate._kernels.steppers.dense import observe
from cfdyn.integrate._kernels.steppers.field import JACOBIANS, PROJECT, SLOPES, Field
from cfdyn.integrate.supply.supplier import Modes, Readings, Supplier
from cfdyn.kernels.edge.block import ABLATED, CENTRAL, PLAIN, TRACE, Edge
from cfdyn.kernels.edge.modes import decompose, decompose_small, follow, renew, spectrum, turn_reference
from cfdyn.kernels.linear.symmetric import SMALL
from cfdyn.machine.jit import address, addresses, apply
from cfdyn.systems.flow import Flow

KINDS = {"plain": PLAIN, "central": CENTRAL, "trace": TRACE, "ablated": ABLATED}
FORMULAS = ("drift", "edge", "force", "drift_jacobian", "slack_jacobian", "force_jacobian")
KERNELS = {"spectrum": spectrum, "turn_reference": turn_reference, "follow": follow, "push": push, "hold": hold,
           "project": project}  # fmt: skip
TIE, NEAR_TIE = 1e-13, 1e-11  # of eigenvalues, relative; and next to others at the edge, which errors blur


class Dense(Supplier):
    """The `Supplier` of a compiled flow, with all of its eigenvalues."""

    def __init__(self, flow: Flow):
        self.flow, self.dim, self.n_weights, self.kind = flow, flow.dim, flow.n_weights, KINDS[flow.spec.kind]
        self.neutral = np.zeros((0, flow.n_weights))

    def drift(self, z: np.ndarray) -> np.ndarray:
        return self.flow.drift(z)

    def _edge(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """H (d, d) and the diagonal of P (d,)."""
        d, both = self.n_weights, self.flow.rule("edge")(z, self.flow.p)
        return both[: d * d].reshape(d, d), both[d * d :]

    def undefined(self, z: np.ndarray) -> str:
        if not np.isfinite(self.drift(z)).all():
            return "gradient"
        return "" if self.kind == PLAIN or all(np.isfinite(part).all() for part in self._edge(z)) else "Hessian"

    def preconditioner(self, z: np.ndarray) -> np.ndarray:
        return self._edge(z)[1]

    def modes(self, z: np.ndarray) -> Modes:
        hessian, p = self._edge(z)
        with np.errstate(all="ignore"):
            matrix = hessian / np.sqrt(p)[:, None] / np.sqrt(p)
        if not (np.isfinite(matrix).all() and (p > 0).all()):
            where = ", ".join(f"{name}={value:.6g}" for name, value in zip(self.flow.names, z, strict=True))
            what = "the preconditioner is not positive" if np.isfinite(hessian).all() else "the Hessian is not defined"
            more = ", or give the optimizer's state with the start" if self.dim > self.n_weights else ""
            raise NumericsError(f"{what} at {where}; start elsewhere{more}")
        return Modes(*np.linalg.eigh(matrix - self.neutral.T @ self.neutral), p)

    def forces(self, z: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, k, rule = self.dim, len(directions), self.flow.rule("force")
        pairs = [(q, r) for q in range(k) for r in range(q, k)]
        rows = np.array([rule(np.concatenate([z, directions[q], directions[r]]), self.flow.p) for q, r in pairs])
        rows = rows * np.array([1.0 if q == r else 2**0.5 for q, r in pairs])[:, None]
        return rows[:, n:], rows[:, :n]

    def field(
        self, reference: np.ndarray, jacobians: bool, near: bool = False, soft: int = 0, target: float | None = None
    ) -> Field:
        flow, n, d, k, counts = self.flow, self.dim, self.n_weights, len(reference), np.zeros(2, np.int64)
        if self.kind == PLAIN:
            return Field(n, 0, *flow.right_hand_side(jacobians), np.zeros(1), counts)
        held, kind = k - soft, self.kind
        pairs = {CENTRAL: held * (held + 1) // 2 + held * soft, TRACE: min(k, 1)}.get(kind, 0)
        rules = {name: flow.rule(name).compiled for name in FORMULAS if jacobians or not name.endswith("jacobian")}
        # Compiled on first use, like most code for an edge: many paths never reach one.
        pushed = k > 0 or kind == ABLATED
        edge = Edge.make(
            n=n, d=d, k=k, m=pairs, kind=kind, parameters=len(flow.p), jacobians=jacobians, soft=soft, spectral=1,
            tie=NEAR_TIE if near else TIE, weakest=1.0, p=flow.p, reference=reference, **rules,
            aside=len(self.neutral), neutral=self.neutral,
            eigh=(decompose_small if max(d, k, pairs) <= SMALL else decompose).compiled,
            **{name: kernel.compiled for name, kernel in KERNELS.items() if pushed or name == "spectrum"},
        )  # fmt: skip
        if target is not None:
            edge.target = target
        if pushed:
            slope, own = hold.compiled, edge.memory
            slopes = hold_jacobian.compiled if jacobians else slope
        else:
            slope, own = rules["drift"], flow.p
            slopes = rules["drift_jacobian"] if jacobians else slope
        others = (project, inspect, renew) if pushed else (inspect,) * 3
        return Field(n, k, addresses(slope, slopes, *(rule.compiled for rule in others)), own, edge.memory, counts)

    def has_jacobian(self) -> bool:
        return self.flow.has_jacobian

    def begin(self, field: Field, z: np.ndarray, f: np.ndarray) -> None:
        if field.k:
            apply(address(start.compiled), z, field.block, f)

    def reference(self, field: Field) -> np.ndarray:
        return Edge(field.block).reference.copy() if field.k else np.zeros((0, self.n_weights))

    def onto_edge(self, field: Field, z: np.ndarray) -> np.ndarray | None:
        state, violation = z.copy(), np.zeros(3)
        apply(field.rules[PROJECT], state, field.block, violation)
        return state if np.isfinite(violation[0]) else None

    def read(self, field: Field, reference: np.ndarray, times: np.ndarray, polynomials: np.ndarray, rows: np.ndarray) -> Readings:
        m, n, d = len(rows), self.dim, self.n_weights
        z = np.empty((m, n))
        if not field.k:
            slopes = np.empty((m, n))
            observe(field.rules, field.p, times, polynomials, rows, z, slopes)
            return Readings(z, slopes, np.zeros(m), np.zeros((m, d, d)))
        before, read = field.block.copy(), np.zeros((m, 1 + n + d * d))
        # From now on the modes are the largest eigenvalues; the reference distinguishes equal ones.
        edge = Edge(field.block)
        edge.by_value, edge.fresh, edge.reference = 1, 0, reference
        observe(addresses(read_off.compiled), field.block, times, polynomials, rows, z, read)
        field.block[: len(before)] = before
        return Readings(z, read[:, 1 : n + 1], read[:, 0], read[:, n + 1 :].reshape(-1, d, d))

    def violation(self, fields: Sequence[Field]) -> float:
        return max((float(Edge(field.block).worst) for field in fields if field.k), default=0.0)

    def determined(self, fields: Sequence[Field]) -> bool:
        return all(Edge(field.block).weakest > FAINT for field in fields if field.k)

    def tally(self, fields: Sequence[Field]) -> dict[str, int]:
        slopes, jacobians = (sum(int(field.counts[c]) for field in fields) for c in (SLOPES, JACOBIANS))
        blocks = [] if self.kind == PLAIN else [Edge(field.block) for field in fields]
        hessians, third = sum(int(b.spectra) for b in blocks), sum(int(b.pushes) for b in blocks)
        # A Hessian is d products with a vector of 2 gradients each, a third derivative along two modes 5.
        work = self.flow.work * slopes + 2 * self.n_weights * hessians + 5 * third
        return {"slopes": slopes, "jacobians": jacobians, "hessians": hessians, "third_derivatives": third,
                "gradient_equivalents": int(work)}  # fmt: skip
