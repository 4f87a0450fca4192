"""A program as LLVM IR that takes many steps of BLOCK orbits at once: ``void(double* z, double* p, double* out)``.

The program maps a state to the next state. ``z`` (D, B) contains the states of a block of B orbits, entry by entry; ``p`` the
number of steps and, from `HEAD` on, the parameters (n_p, B). ``out`` (D + 1, B) receives the states after the last step and for
each orbit a bound of the size of all entries of its states, or of their first ``watched`` entries, which is NaN or infinite if
one of them was. A "kept" function stores these in ``z`` (D + 1, B), and in ``out`` the states after each step (steps, D, B), or
one coordinate of them, in rows that are ``p[1]`` numbers apart. A "turned" function has tangents behind the states, see
`_Tangents`.

Orbits are independent: each agrees bit by bit with that of the program's rule, since both print the same operations. Vectors of
several orbits are interleaved, so that one does not wait for the result of another: if they fit into registers, one core reaches
the speed of its arithmetic.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import partial

from cfdyn.codegen.llvm_nodes import VECTOR, Body, hexadecimal, spread
from cfdyn.codegen.orthogonal import orthogonal, unit
from cfdyn.codegen.schedule import LANES, Section, in_order, schedule
from cfdyn.codegen.watched import generating, never_forgets
from cfdyn.tape.program import Node, Program

BLOCK = 96  # orbits: 12 vectors, divided into groups that are interleaved
HEAD = 8  # numbers before the parameters, so that these begin with a line of memory
# The largest numbers of registers filled, and of operations written, by interleaving vectors.
REGISTERS, OPERATIONS = 30, 800
INTERLEAVED = (12, 6, 4, 3, 2, 1)
ALL = -1  # coordinates
LEAVES = frozenset(("z", "p", "rows", "col"))


def print_lanes(program: Program, name: str, watched: int | None = None, kept: int | None = None, tangents: bool = False) -> str:
    """The module that defines the function ``name``; the program has as many outputs as states.

    ``kept``: the coordinate that is stored after each step, or ALL. ``tangents``: tangents of the ``watched`` entries follow
    these.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> doubled = Program(t, (t.mul(t.leaf("p", 0), t.leaf("z", 0)),), n_z=1, n_p=1)
    >>> text = print_lanes(doubled, "f")
    >>> text.count("fmul <8 x double>"), text.count("load <8 x double>"), text.count("store <8 x double>")
    (12, 24, 24)
    """
    kind = _Tangents if tangents else _Lanes
    function = kind(program, kept, program.n_z if watched is None else watched)
    function.write()
    body = "\n".join(line if line.endswith(":") else "  " + line for line in function.lines)
    declared = "".join(f"declare {line}\n" for line in sorted(function.declared))
    return f"{declared}define void @{name}(ptr %z, ptr readonly %p, ptr noalias %out) nounwind {{\nstart:\n{body}\n}}\n"


def printer(kind: str, watched: int) -> Callable[[Program, str], str] | None:
    """The printer of rules "lanes:…", "turned:…", "kept:…", all coordinates, and "kept0:…", …; None for other kinds."""
    if kind in ("lanes", "turned"):
        return partial(print_lanes, watched=watched, tangents=kind == "turned")
    if not kind.startswith("kept"):
        return None
    return partial(print_lanes, watched=watched, kept=int(kind.removeprefix("kept") or ALL))


class _Lanes(Body):
    """A loop over groups of vectors that contains one over steps; the names of the values of vector u of a group end in .u."""

    def __init__(self, program: Program, kept: int | None, watched: int):
        super().__init__(program, set())
        self.kept, self.watched, self.vector = kept, watched, 0
        self.order = in_order(program.tape, program.outputs)
        self.sections = schedule(program) or [Section([], [])]
        self.common = self._common()
        leaves = {"z": self._leaves("z"), "p": self._leaves("p")}
        self.states, self.parameters = leaves["z"], leaves["p"]
        self.inner = [n for n in self.order if self.tape.ops[n] not in LEAVES and not self.is_literal(n)]
        self.looked, self.factors = generating(program, watched)
        self.largest = self._has_largest()
        registers = program.n_z + 1 + max(len(section.sums) for section in self.sections)
        most = min(REGISTERS // registers, OPERATIONS // max(1, len(self.inner)), BLOCK // LANES)
        self.vectors = next(u for u in INTERLEAVED if u <= max(1, most))
        self.together = max(1, (REGISTERS - self.vectors * registers) // self._alive())

    def _common(self) -> set[Node]:
        """The nodes that are the same for all orbits: columns of data, and functions of them."""
        nodes = set[Node]()
        for node in self.order:
            children = self.tape.children(node)
            if self.tape.ops[node] in ("col", "rows") or children and all(c in nodes or self.is_literal(c) for c in children):
                nodes.add(node)
        return nodes

    def _has_largest(self) -> bool:
        """Whether one instruction computes the larger of two sizes; it ignores NaN, which must then show in the last state."""
        from cfdyn.codegen.native import has

        return has("avx512dq") and never_forgets(self.program, self.watched)

    def _alive(self) -> int:
        """The maximal number of values of a step that are needed later at the same time."""
        inner, last = set(self.inner), {}
        for node in self.inner:
            last.update(dict.fromkeys(self.tape.children(node), node))
        last.update(dict.fromkeys(self.program.outputs, -1))
        alive, most = set[Node](), 1
        for node in self.inner:
            alive.add(node)
            most = max(most, len(alive))
            alive -= {child for child in self.tape.children(node) if child in inner and last[child] == node}
        return most

    def _each(self, first: int = 0, count: int | None = None) -> Iterator[int]:
        """Iterate over vectors of a group (default: all), each in turn the current one."""
        last = self.vectors if count is None else min(first + count, self.vectors)
        for self.vector in range(first, last):  # noqa: B020
            yield self.vector

    def _leaves(self, kind: str) -> dict[int, Node]:
        return {self.tape.args[n][0]: n for n in self.order if self.tape.ops[n] == kind}

    def number(self, node: Node, lanes: int) -> str:
        """A number as an operand: everything differs from orbit to orbit, except literals."""
        return super().number(node, lanes) if self.is_literal(node) else self.name(node)

    def name(self, node: Node) -> str:
        """The name of the node's value in the current vector, for a row in the current loop."""
        vector = 0 if node in self.common else self.vector
        return f"%v{node}.{self.loop}.{vector}" if self.tape.by_row[node] else f"%v{node}.{vector}"

    def write(self) -> None:
        """All lines."""
        width = LANES * self.vectors
        self._data()
        self.lines += ["%wanted = load double, ptr %p", "%steps = fptosi double %wanted to i64",
                       "%apart = getelementptr double, ptr %p, i64 1", "%far = load double, ptr %apart",
                       "%stride = fptosi double %far to i64", "br label %group", "group:",
                       "%lane = phi i64 [ 0, %start ], [ %behind, %written ]"]  # fmt: skip
        for _ in self._each():
            for i, node in self.parameters.items():
                self.lines.append(f"{self.name(node)} = load {VECTOR}, ptr {self._place('p', HEAD + i * BLOCK)}, align 8")
            for d in range(self.program.n_z):
                self.lines.append(f"%first{d}.{self.vector} = load {VECTOR}, ptr {self._place('z', d * BLOCK)}, align 8")
        # What an entry is bounded by may be one before the first step.
        before = [self._larger(spread("0.0", LANES), [f"%first{d}.{u}" for d in self.looked]) for u in self._each()]
        self.lines += ["br label %loop", "loop:"]
        self._steps(before)
        self._ends("%out" if self.kept is None else "%z")
        self.lines += ["br label %written", "written:", f"%behind = add i64 %lane, {width}",
                       f"%again = icmp slt i64 %behind, {BLOCK}", "br i1 %again, label %group, label %end", "end:",
                       "ret void"]  # fmt: skip

    def _ends(self, array: str) -> None:
        """Store the states after the last step, and the bounds of all states."""
        self._store(array, range(self.program.n_z))
        for _ in self._each():
            self._into(array, self.program.n_z, self._bound())

    def _place(self, array: str, first: int) -> str:
        at = self.new(f"add i64 %lane, {first + LANES * self.vector}")
        return self.new(f"getelementptr double, ptr %{array}, i64 {at}")

    def _steps(self, before: list[str]) -> None:
        """The loop over the steps, up to the label behind it; few vectors at a time, whose values fit into registers."""
        start, self.block = len(self.lines), "loop"
        sizes = list[str]()
        for k, section in enumerate(self.sections):
            self.loop = k
            if section.sums:
                self._rows(section)
            else:
                self._nodes(section.nodes, sizes if section is self.sections[-1] else None)
        if self.sections[-1].sums:
            self._nodes([], sizes)
        if self.kept is not None:
            shift = self.new(f"mul i64 %step, {f'{self.program.n_z * BLOCK}' if self.kept == ALL else '%stride'}")
            row = self.new(f"getelementptr double, ptr %out, i64 {shift}")
            self._store(row, range(self.program.n_z) if self.kept == ALL else [self.kept])
        self.lines += ["%next = add i64 %step, 1", "%more = icmp slt i64 %next, %steps",
                       "br i1 %more, label %loop, label %behind_loop", "behind_loop:"]  # fmt: skip
        phis = [f"%step = phi i64 [ 0, %group ], [ %next, %{self.block} ]"]
        for d in range(self.program.n_z):
            for _ in self._each():
                state = self.name(self.states[d]) if d in self.states else f"%unread{d}.{self.vector}"
                first_one = f"%first{d}.{self.vector}"
                phis.append(f"{state} = phi {VECTOR} [ {first_one}, %group ], [ {self._output(d)}, %{self.block} ]")
        phis += [f"%before{u} = phi {VECTOR} [ {before[u]}, %group ], [ {sizes[u]}, %{self.block} ]"
                 for u in self._each()]  # fmt: skip
        self.lines[start:start] = phis
        self.sizes = sizes

    def _nodes(self, nodes: Sequence[Node], sizes: list[str] | None = None) -> None:
        """Compute the nodes, for few vectors at a time; with ``sizes`` also the bounds of their states."""
        inner = [node for node in nodes if self.tape.ops[node] not in LEAVES and not self.is_literal(node)]
        for first in range(0, self.vectors, self.together):
            for node in inner:
                for _ in self._each(first, self.together):
                    if node not in self.common or self.vector == 0:
                        self.node(node, LANES)
            if sizes is not None:
                sizes += [self._larger(f"%before{u}", [self._output(d) for d in self.looked])
                          for u in self._each(first, self.together)]  # fmt: skip

    def _data(self) -> None:
        """The number of rows, and the distance between columns."""
        if len(self.sections) > 1 or self.sections[0].sums:
            self.lines += [f"%data = getelementptr double, ptr %p, i64 {HEAD + self.program.n_p * BLOCK}",
                           "%number = load double, ptr %data", "%count = fptosi double %number to i64",
                           f"%above = add i64 %count, {LANES - 1}", f"%padded = and i64 %above, {-LANES}"]  # fmt: skip
            for node in self.order:
                if self.tape.ops[node] == "rows":
                    self._spread(self.name(node), "%number")

    def _spread(self, name: str, number: str) -> None:
        first = self.new(f"insertelement {VECTOR} poison, double {number}, i64 0")
        self.lines.append(f"{name} = shufflevector {VECTOR} {first}, {VECTOR} poison, <{LANES} x i32> zeroinitializer")

    def _rows(self, section: Section) -> None:
        """A loop over the rows, each of them for all vectors; sums are accumulated in the order of the rows, as for one orbit."""
        k, before, kind = self.loop, self.block, f"fadd {VECTOR}"
        self.lines += [f"br label %rows{k}", f"rows{k}:"]
        start, self.block = len(self.lines), f"rows{k}"
        for node in (node for node in section.nodes if self.tape.ops[node] == "col"):
            shift = self.new(f"add i64 {self.new(f'mul i64 %padded, {self.tape.args[node][0]}')}, %row{k}")
            address = self.new(f"getelementptr double, ptr %data, i64 {self.new(f'add i64 {shift}, 1')}")
            self._spread(self.name(node), self.new(f"load double, ptr {address}"))
        self._nodes(section.nodes)
        sums = [(node, u, self.new(f"{kind} %u{node}.{u}, {self.number(self.tape.args[node][0], LANES)}"))
                for node in section.sums for u in self._each()]  # fmt: skip
        self.lines += [f"%following{k} = add i64 %row{k}, 1", f"%left{k} = icmp slt i64 %following{k}, %count",
                       f"br i1 %left{k}, label %rows{k}, label %behind{k}", f"behind{k}:"]  # fmt: skip
        phis = [f"%row{k} = phi i64 [ 0, %{before} ], [ %following{k}, %{self.block} ]"]
        for node, u, total in sums:
            phis.append(f"%u{node}.{u} = phi {VECTOR} [ zeroinitializer, %{before} ], [ {total}, %{self.block} ]")
            self.lines.append(f"%v{node}.{u} = {kind} {total}, {spread('-0.0', LANES)}")
        self.lines[start:start] = phis
        self.block = f"behind{k}"

    def _output(self, d: int) -> str:
        return self.number(self.program.outputs[d], LANES)

    def _larger(self, bound: str, values: list[str]) -> str:
        """An upper bound of the bound and the sizes of the values: the largest, or their sum."""
        for value in values:
            if self.largest:
                self.declared.add(f"{VECTOR} @llvm.x86.avx512.mask.range.pd.512({VECTOR}, {VECTOR}, i32, {VECTOR}, i8, i32)")
                operands = f"{VECTOR} {value}, {VECTOR} {bound}, i32 11, {VECTOR} zeroinitializer, i8 -1, i32 4"
                bound = self.new(f"call {VECTOR} @llvm.x86.avx512.mask.range.pd.512({operands})")
            else:
                bound = self.new(f"fadd {VECTOR} {bound}, {self._size(value)}")
        return bound

    def _size(self, value: str) -> str:
        return self.new(self.intrinsic("llvm.fabs", value, LANES))

    def _bound(self) -> str:
        """A bound of all entries from the watched ones, and NaN if the last state is not finite."""
        bound = self.sizes[self.vector]
        for factor in self.factors:
            if isinstance(factor, Fraction):
                size = spread(hexadecimal(max(factor, Fraction(1))), LANES)
            else:
                size = self._larger(spread("1.0", LANES), [self.number(factor, LANES)])
            bound = self.new(f"fmul {VECTOR} {bound}, {size}")
        for d in range(self.watched):
            nought = self.new(f"fsub {VECTOR} {self._output(d)}, {self._output(d)}")
            bound = self.new(f"fadd {VECTOR} {bound}, {nought}")
        return bound

    def _store(self, array: str, entries: Iterable[int]) -> None:
        for place, d in enumerate(entries):
            for _ in self._each():
                self._into(array, place, self._output(d))

    def _into(self, array: str, row: int, value: str) -> None:
        at = self.new(f"add i64 %lane, {row * BLOCK + LANES * self.vector}")
        address = self.new(f"getelementptr double, ptr {array}, i64 {at}")
        self.lines.append(f"store {VECTOR} {value}, ptr {address}, align 8")


class _Tangents(_Lanes):
    """The loop for states with tangents, which are orthonormalised at the end."""

    def _ends(self, array: str) -> None:
        """Behind the bound the squares of their lengths, without and with their components along those before them."""
        d, n = self.watched, self.program.n_z
        self._store(array, range(d))
        for _ in self._each():
            self._into(array, n, self._bound())
            starts = range(d, n, d)
            rows = orthogonal(self, [[self._output(first + i) for i in range(d)] for first in starts], LANES)
            for k, (first, row) in enumerate(zip(starts, rows, strict=True)):
                for i, value in enumerate(unit(self, row, LANES)):
                    self._into(array, first + i, value)
                self._into(array, n + 1 + k, row.square)
                self._into(array, n + 1 + len(rows) + k, row.before)
