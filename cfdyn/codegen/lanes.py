"""A program as LLVM IR that takes many steps of BLOCK orbits at once: ``void(double* z, double* p, double* out)``.

The program maps a state to the next state. ``z`` (D, B) holds the states of a block of B orbits, entry by entry; ``p`` the
number of steps and, from `HEAD` on, the parameters (n_p, B). ``out`` (D + 1, B) gets the states after the last step and for
each orbit the sum of |entry| over all of its states, or of their first ``watched`` entries, which no state exceeds and which
is NaN if one was; of a "kept" function the states after each step (steps, D, B).

Orbits do not know of each other: each is, bit by bit, what the program's rule makes of it, for both print the same
operations. Vectors of several orbits are interleaved, so that one does not wait for the result of another: with those that
fit into registers one core reaches the speed of its arithmetic.
"""

from collections.abc import Iterator

from cfdyn.codegen.llvm_nodes import VECTOR, Body
from cfdyn.codegen.schedule import LANES, in_order
from cfdyn.tape.program import Node, Program

BLOCK = 96  # orbits: 12 vectors, divided into groups that are interleaved
HEAD = 8  # numbers before the parameters, so that these begin with a line of memory
# Operations of a step up to which so many vectors are interleaved; measured on Zen 4, where more spill out of the registers.
INTERLEAVED = ((4, 12), (14, 6), (40, 4), (400, 2))


def print_lanes(program: Program, name: str, kept: bool = False, watched: int | None = None) -> str:
    """The module that defines the function ``name``; the program has as many outputs as states, and no data.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> doubled = Program(t, (t.mul(t.leaf("p", 0), t.leaf("z", 0)),), n_z=1, n_p=1)
    >>> text = print_lanes(doubled, "f")
    >>> text.count("fmul <8 x double>"), text.count("load <8 x double>"), text.count("store <8 x double>")
    (12, 24, 24)
    """
    function = _Lanes(program, kept, program.n_z if watched is None else watched)
    function.write()
    body = "\n".join(line if line.endswith(":") else "  " + line for line in function.lines)
    declared = "".join(f"declare {line}\n" for line in sorted(function.declared))
    return f"{declared}define void @{name}(ptr %z, ptr readonly %p, ptr noalias %out) nounwind {{\nstart:\n{body}\n}}\n"


class _Lanes(Body):
    """A loop over groups of vectors, in it one over the steps; the values of vector u of a group end in .u."""

    def __init__(self, program: Program, kept: bool, watched: int):
        super().__init__(program, set())
        self.kept, self.watched, self.vector = kept, watched, 0
        self.order = in_order(program.tape, program.outputs)
        leaves = {"z": self._leaves("z"), "p": self._leaves("p")}
        self.states, self.parameters = leaves["z"], leaves["p"]
        self.inner = [n for n in self.order if self.tape.ops[n] not in ("z", "p") and not self.is_literal(n)]
        self.vectors = next((u for size, u in INTERLEAVED if len(self.inner) <= size), 1)

    def _each(self) -> Iterator[int]:
        """The vectors of a group, one after the other at hand."""
        for self.vector in range(self.vectors):  # noqa: B020
            yield self.vector

    def _leaves(self, kind: str) -> dict[int, Node]:
        return {self.tape.args[n][0]: n for n in self.order if self.tape.ops[n] == kind}

    def number(self, node: Node, lanes: int) -> str:
        """Everything differs from orbit to orbit, but for literals."""
        return super().number(node, lanes) if self.is_literal(node) else self.name(node)

    def name(self, node: Node) -> str:
        """The name of its value in the vector at hand."""
        return f"%v{node}.{self.vector}"

    def write(self) -> None:
        """All lines."""
        width = LANES * self.vectors
        self.lines += ["%wanted = load double, ptr %p", "%steps = fptosi double %wanted to i64", "br label %group", "group:",
                       "%lane = phi i64 [ 0, %start ], [ %behind, %written ]"]  # fmt: skip
        for _ in self._each():
            for i, node in self.parameters.items():
                self.lines.append(f"{self.name(node)} = load {VECTOR}, ptr {self._place('p', HEAD + i * BLOCK)}, align 8")
            for d in range(self.program.n_z):
                self.lines.append(f"%first{d}.{self.vector} = load {VECTOR}, ptr {self._place('z', d * BLOCK)}, align 8")
        self.lines += ["br label %loop", "loop:"]
        self._steps()
        if not self.kept:
            self._store("%out")
            for _ in self._each():
                self._into("%out", self.program.n_z, f"%sum{self.vector}")
        self.lines += ["br label %written", "written:", f"%behind = add i64 %lane, {width}",
                       f"%again = icmp slt i64 %behind, {BLOCK}", "br i1 %again, label %group, label %end", "end:",
                       "ret void"]  # fmt: skip

    def _place(self, array: str, first: int) -> str:
        at = self.new(f"add i64 %lane, {first + LANES * self.vector}")
        return self.new(f"getelementptr double, ptr %{array}, i64 {at}")

    def _steps(self) -> None:
        """The loop over the steps, up to the label behind it."""
        start, self.block = len(self.lines), "loop"
        for node in self.inner:
            for _ in self._each():
                self.node(node, LANES)
        if self.kept:
            shift = self.new(f"mul i64 %step, {self.program.n_z * BLOCK}")
            self._store(self.new(f"getelementptr double, ptr %out, i64 {shift}"))
        else:
            self._add_up()
        self.lines += ["%next = add i64 %step, 1", "%more = icmp slt i64 %next, %steps",
                       "br i1 %more, label %loop, label %behind_loop", "behind_loop:"]  # fmt: skip
        phis = [f"%step = phi i64 [ 0, %group ], [ %next, %{self.block} ]"]
        for d in range(self.program.n_z):
            for _ in self._each():
                state = self.name(self.states[d]) if d in self.states else f"%unread{d}.{self.vector}"
                after = self.number(self.program.outputs[d], LANES)
                phis.append(f"{state} = phi {VECTOR} [ %first{d}.{self.vector}, %group ], [ {after}, %{self.block} ]")
        if not self.kept:
            phis += [f"%before{u} = phi {VECTOR} [ zeroinitializer, %group ], [ %sum{u}, %{self.block} ]"
                     for u in range(self.vectors)]  # fmt: skip
        self.lines[start:start] = phis

    def _add_up(self) -> None:
        """Sums of |entry|: two operations, where a comparison of each state with a bound would be three."""
        for _ in self._each():
            total = f"%before{self.vector}"
            for d, output in enumerate(self.program.outputs[: self.watched]):
                size = self.new(self._intrinsic("llvm.fabs", self.number(output, LANES), VECTOR))
                more = f"fadd {VECTOR} {total}, {size}"
                if d == self.watched - 1:
                    self.lines.append(f"%sum{self.vector} = {more}")
                else:
                    total = self.new(more)

    def _store(self, array: str) -> None:
        for d, output in enumerate(self.program.outputs):
            for _ in self._each():
                self._into(array, d, self.number(output, LANES))

    def _into(self, array: str, d: int, value: str) -> None:
        at = self.new(f"add i64 %lane, {d * BLOCK + LANES * self.vector}")
        address = self.new(f"getelementptr double, ptr {array}, i64 {at}")
        self.lines.append(f"store {VECTOR} {value}, ptr {address}, align 8")
