"""The programs of a map and their machine code, compiled on demand."""

from __future__ import annotations

from functools import cached_property

from cfdyn.codegen.compile import OfSpecification, Rule, compile_matrix, compile_rule, matrix_cost
from cfdyn.codegen.frames import print_frame
from cfdyn.codegen.lanes import printer
from cfdyn.codegen.llvm_ir import print_ir
from cfdyn.symbolic.maps import MapSpec
from cfdyn.symbolic.preconditioning import preconditioning
from cfdyn.symbolic.programs.oracle import map_program
from cfdyn.tape.program import Program

MATRICES = {"jacobian": ("derivative1", False), "hessian": ("hvp", True)}  # by products if they are large, and if symmetric
LONGEST = 2000  # operations of a step, on one row of data, that are taken for many orbits at once; more take the compiler long
REMEMBERED = 16  # programs of steps

_step_programs: dict[str, Program] = {}


class Compiled(OfSpecification):
    """The interface of a map for kernels: rules by name, and the parameters and data that these read."""

    spec: MapSpec
    n_weights: int

    @property
    def switching(self) -> bool:
        """True if the formulas have branches (Abs, Max, Piecewise), at whose borders the map may not be smooth."""
        return bool(self.spec.switching)

    @cached_property
    def switches(self) -> int:
        """The number of functions at whose zeros a step changes branch; those of single data rows are not counted."""
        return len(self._program("switching").outputs) if self.switching else 0

    _rows = property(lambda self: 1 if self.spec.data is None else len(self.spec.data))

    @cached_property
    def cost(self) -> int:
        """The number of operations of one step, a transcendental function counted as eight."""
        return self._program("step").cost(self._rows)

    @cached_property
    def tangent_cost(self) -> int:
        """The number of operations of one step with its Jacobian."""
        return self.cost + matrix_cost(self.dim, self._program, "jacobian", "derivative1", self._rows)

    def _program(self, what: str) -> Program:
        if what != "step":
            return map_program(self.spec, what)
        # It is requested again for every value of a parameter, on which it does not depend.
        program = _step_programs.pop(self.spec.key, None) or map_program(self.spec, what)
        _step_programs[self.spec.key] = program
        for oldest in list(_step_programs)[:-REMEMBERED]:
            _step_programs.pop(oldest, None)
        return program

    def rule(self, what: str) -> Rule:
        """The compiled rule for ``step``, ``jacobian``, ``derivative2``, ``loss``, ``hessian``, …

        ``interval:step``, … take a box (lo, hi of each entry in turn) and bound the values over it: (−∞, ∞) if there is no bound,
        (∞, −∞) if the map is undefined on the whole box. ``lanes:step``, … are for many orbits, see `cfdyn.codegen.lanes`;
        ``frame:tangents:1`` is for one with its tangents, see `cfdyn.codegen.frames`.
        """
        if what in MATRICES and what not in self._rules:
            size, key = self.dim if what == "jacobian" else self.n_weights, f"{self.spec.key}|{what}"
            self._rules[what] = compile_matrix(key, size, self._program, what, *MATRICES[what])
        elif what not in self._rules:
            # A step alone does not say which states are slow, nor what P is called.
            key = f"{self.spec.key}|{preconditioning(self.spec).key}" if what == "preconditioner" else self.spec.key
            kind, _, name = what.partition(":")
            together = print_frame if kind == "frame" else printer(kind, watched=self.dim)
            asked, printed = (what, print_ir) if together is None else (name, together)
            self._rules[what] = compile_rule(f"{key}|{what}", self._outputs(asked), lambda: self._program(asked), printed)
        return self._rules[what]

    @cached_property
    def in_lanes(self) -> bool:
        """True if steps of many orbits can be computed at once."""
        return self._program("step").cost(1) <= LONGEST

    def _outputs(self, what: str) -> int:
        """The length of the output of a rule."""
        n, d, (kind, _, argument) = self.dim, self.n_weights, what.partition(":")
        if kind == "interval":
            return 2 * self._outputs(argument)
        if kind in ("taylor", "tangents"):
            return n * (1 + int(argument))
        if what == "switching":
            return self.switches
        sizes = {"jacobian": n * n, "side": n * n, "linearized": n * (n + 2), "variation": 2 * n * (1 + n),
                 "switching": 1 + n, "expression": 1 + n, "loss": 1, "gradient": d, "hvp": d,
                 "preconditioner": 2 * d + 1}  # fmt: skip
        return sizes.get(kind, n)
