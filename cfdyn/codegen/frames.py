"""A program as LLVM IR that iterates an orbit with a frame of D tangents: ``void(double* z, double* p, double* out)``.

The program maps (z, v) to (f(z), Df(z) v), like "tangents:1" of `cfdyn.symbolic.programs.oracle`. ``z`` (D + D²,) contains the
state and the rows of the frame; ``p`` the number of pieces, the number of steps in a piece, and from `HEAD` on the parameters.
After each piece the rows are made orthogonal, but not normalised: the stretching of a row since the start is its length at the
end. ``out`` (1 + D + D²,) receives the number of pieces, and state and rows after them.

It stops before a piece in which a state was not finite or digits would be lost: if a length leaves the range from `SHORTEST` to
its inverse, or if less than the fraction `LEFT` of a row remains without its components along the rows before it.

Nodes that depend only on the state are computed once; tangents are the lanes of a vector. No row waits for later ones, nor for a
root, so that a step of a short formula takes as long as a step of the state.
"""

from dataclasses import replace
from fractions import Fraction

from cfdyn.codegen.lanes import HEAD
from cfdyn.codegen.llvm_nodes import Body, hexadecimal, several, spread
from cfdyn.codegen.orthogonal import orthogonal
from cfdyn.codegen.schedule import in_order
from cfdyn.tape.program import TRUTHS, Node, Program
from cfdyn.tape.rebuild import rebuild

MOST = 8  # tangents
SHORTEST, LEFT = 1e-100, 1e-8


def print_frame(program: Program, name: str) -> str:
    """The module that defines the function ``name``; the program has as many outputs as inputs, and no data.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> p, z, v = t.leaf("p", 0), t.leaf("z", 0), t.leaf("z", 1)
    >>> text = print_frame(Program(t, (t.mul(p, z), t.mul(p, v)), n_z=2, n_p=1), "f")
    >>> text.count("fdiv"), text.count("phi")
    (0, 10)
    """
    frame = _Frame(program)
    frame.write()
    body = "\n".join(line if line.endswith(":") else "  " + line for line in frame.lines)
    declared = "".join(f"declare {line}\n" for line in sorted(frame.declared))
    return f"{declared}define void @{name}(ptr readonly %z, ptr readonly %p, ptr noalias %out) nounwind {{\nstart:\n{body}\n}}\n"


def slopes_first(program: Program) -> Program:
    """Products a·(b·v) of which only v depends on the tangent as (a·b)·v: fewer operations wait for v, and a·b is shared.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> a, z, v = t.leaf("p", 0), t.leaf("z", 0), t.leaf("z", 1)
    >>> t.args[slopes_first(Program(t, (z, t.mul(a, t.mul(z, v))), n_z=2, n_p=1)).outputs[1]] == (v, t.mul(a, z))
    True
    """
    tape, turning, first = program.tape, _turning(program), dict[Node, Node]()
    for node in program.order:
        if node in turning and tape.ops[node] == "mul":
            a, rest = sorted(tape.args[node], key=turning.__contains__)
            rest = first.get(rest, rest)
            b, v = sorted(tape.args[rest], key=turning.__contains__) if tape.ops[rest] == "mul" else (a, rest)
            if rest != v and not turning & {a, b}:
                first[node] = tape.mul(tape.mul(a, b), v)
                turning.add(first[node])
    return replace(program, outputs=tuple(rebuild(tape, program.outputs, tape, first)))


def _turning(program: Program) -> set[Node]:
    """The nodes that depend on the tangent."""
    tape, nodes = program.tape, set[Node]()
    for node in program.order:
        leaf = tape.ops[node] == "z"
        if tape.args[node][0] >= program.n_z // 2 if leaf else not nodes.isdisjoint(tape.children(node)):
            nodes.add(node)
    return nodes


class _Frame(Body):
    """A loop over pieces that contains one over steps; numbers of the state are scalars, those of the tangents vectors."""

    def __init__(self, program: Program):
        super().__init__(slopes_first(program), set())
        program, self.d = self.program, program.n_z // 2
        self.lanes = next(lanes for lanes in (1, 2, 4, MOST) if lanes >= self.d)
        self.order, self.turning = in_order(program.tape, program.outputs), _turning(program)
        parts = {child for node in self.turning for child in self.tape.children(node)}
        self.shared = (parts | set(program.outputs[self.d :])) - self.turning if self.lanes > 1 else set[Node]()

    def number(self, node: Node, lanes: int) -> str:
        """A number of the state is spread over the lanes if a tangent uses it."""
        if self.is_literal(node):
            return super().number(node, lanes)
        return f"%s{node}" if lanes > 1 and node not in self.turning else self.name(node)

    def name(self, node: Node) -> str:
        """The name of the node's value."""
        return f"%v{node}"

    def node(self, node: Node, lanes: int) -> None:
        """Compute a node, and spread it over the lanes if needed."""
        super().node(node, lanes)
        self._spread(node)

    def _spread(self, node: Node) -> None:
        if node in self.shared and not self.is_literal(node):
            kind = "i1" if self.tape.ops[node] in TRUTHS else "double"
            whole = several(self.lanes, kind)
            one = self.new(f"insertelement {whole} poison, {kind} {self.name(node)}, i64 0")
            zeros = several(self.lanes, "i32")
            self.lines.append(f"%s{node} = shufflevector {whole} {one}, {whole} poison, {zeros} zeroinitializer")

    def write(self) -> None:
        """All lines."""
        d = range(self.d)
        self.lines += ["%wanted = load double, ptr %p", f"%count = load double, ptr {self._at('p', 1)}",
                       "%pieces = fptosi double %wanted to i64", "%length = fptosi double %count to i64"]  # fmt: skip
        for node in self.order:
            if self.tape.ops[node] == "p":
                self.lines.append(f"{self.name(node)} = load double, ptr {self._at('p', HEAD + self.tape.args[node][0])}")
                self._spread(node)
        states = [self.new(f"load double, ptr {self._at('z', i)}") for i in d]
        rows = self._gathered([[self.new(f"load double, ptr {self._at('z', self._entry(a, i))}") for i in d] for a in d])
        self.lines += ["br label %piece", "piece:"]
        first_phi = len(self.lines)
        self.lines += ["br label %loop", "loop:"]
        self._steps()
        ordered, fine = self._orthogonal()
        after = self._gathered(ordered)
        self.lines += [f"br i1 {fine}, label %good, label %end", "good:", "%more = add i64 %done, 1",
                       "%again = icmp slt i64 %more, %pieces", "br i1 %again, label %piece, label %end", "end:"]  # fmt: skip
        self._results(after)
        here = ["%done = phi i64 [ 0, %start ], [ %more, %good ]"]
        here += [
            f"%here{i} = phi double [ {states[i]}, %start ], [ {self.number(self.program.outputs[i], 1)}, %good ]" for i in d
        ]
        vector = several(self.lanes)
        here += [f"%row{i} = phi {vector} [ {rows[i]}, %start ], [ {after[i]}, %good ]" for i in d]
        self.lines[first_phi:first_phi] = here

    def _entry(self, row: int, i: int) -> int:
        """The index of an entry of a row in ``z``."""
        return self.d + self.d * row + i

    def _at(self, array: str, place: int) -> str:
        return self.new(f"getelementptr double, ptr %{array}, i64 {place}")

    def _gathered(self, rows: list[list[str]]) -> list[str]:
        """For each entry the vector of this entry in all rows."""
        vectors = []
        for i in range(self.d):
            vector = rows[0][i] if self.lanes == 1 else spread("0.0", self.lanes)
            for a in range(self.d if self.lanes > 1 else 0):
                vector = self.new(f"insertelement {several(self.lanes)} {vector}, double {rows[a][i]}, i64 {a}")
            vectors.append(vector)
        return vectors

    def _taken(self, vector: str, row: int) -> str:
        return vector if self.lanes == 1 else self.new(f"extractelement {several(self.lanes)} {vector}, i64 {row}")

    def _steps(self) -> None:
        """The loop over the steps of a piece, up to the label behind it."""
        outputs, start, self.block = self.program.outputs, len(self.lines), "loop"
        leaves = {self.tape.args[n][0]: n for n in self.order if self.tape.ops[n] == "z"}
        for i in range(self.d):
            if i in leaves:
                self._spread(leaves[i])
        for node in self.order:
            if self.tape.ops[node] not in ("z", "p"):
                self.node(node, self.lanes if node in self.turning else 1)
        lost = "%lost"
        for i in range(self.d):  # a sum of zeros, unless one was no finite number
            lost = self.new(f"fadd double {lost}, {self.new(f'fmul double {self.number(outputs[i], 1)}, 0.0')}")
        self.lines += ["%next = add i64 %step, 1", "%on = icmp slt i64 %next, %length",
                       "br i1 %on, label %loop, label %behind", "behind:", f"%finite = fcmp ord double {lost}, 0.0"]  # fmt: skip
        phis = [f"%step = phi i64 [ 0, %piece ], [ %next, %{self.block} ]",
                f"%lost = phi double [ 0.0, %piece ], [ {lost}, %{self.block} ]"]  # fmt: skip
        for i in range(2 * self.d):
            lanes = 1 if i < self.d else self.lanes
            before = f"%here{i}" if i < self.d else f"%row{i - self.d}"
            name = self.name(leaves[i]) if i in leaves else f"%unread{i}"
            phis.append(
                f"{name} = phi {several(lanes)} [ {before}, %piece ], [ {self.number(outputs[i], lanes)}, %{self.block} ]"
            )
        self.lines[start:start] = phis

    def _orthogonal(self) -> tuple[list[list[str]], str]:
        """The rows, each without its components along those before it, and whether no digits were lost."""
        images = [self.number(node, self.lanes) for node in self.program.outputs[self.d :]]
        rows, fine = orthogonal(self, [[self._taken(image, a) for image in images] for a in range(self.d)], 1), "%finite"
        for a, row in enumerate(rows):
            tests = [f"ogt double {row.square}, {_squared(SHORTEST)}", f"olt double {row.square}, {_squared(1 / SHORTEST)}"]
            if a:
                tests.append(f"oge double {row.square}, {self.new(f'fmul double {row.before}, {_squared(LEFT)}')}")
            for test in tests:
                fine = self.new(f"and i1 {fine}, {self.new(f'fcmp {test}')}")
        return [row.entries for row in rows], fine

    def _results(self, after: list[str]) -> None:
        """The results after the last good piece."""
        vector, outputs = several(self.lanes), self.program.outputs
        self.lines.append("%whole = phi i64 [ %done, %behind ], [ %more, %good ]")
        for i in range(self.d):
            self.lines.append(f"%there{i} = phi double [ %here{i}, %behind ], [ {self.number(outputs[i], 1)}, %good ]")
        for i in range(self.d):
            self.lines.append(f"%last{i} = phi {vector} [ %row{i}, %behind ], [ {after[i]}, %good ]")
        self.lines.append(f"store double {self.new('sitofp i64 %whole to double')}, ptr %out")
        for i in range(self.d):
            self.lines.append(f"store double %there{i}, ptr {self._at('out', 1 + i)}")
        for a in range(self.d):
            for i in range(self.d):
                value = self._taken(f"%last{i}", a)
                self.lines.append(f"store double {value}, ptr {self._at('out', 1 + self._entry(a, i))}")
        self.lines.append("ret void")


def _squared(length: float) -> str:
    return hexadecimal(Fraction(length) ** 2)
