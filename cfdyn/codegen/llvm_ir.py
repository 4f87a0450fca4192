"""A program as LLVM IR: a function ``void(double* z, double* p, double* out)``; out overlaps neither z nor p.

Sums over data rows are loops that compute LANES rows at once, in vectors, and add them up one by one, so that
the result does not depend on the processor. The data stand in ``p`` as `parameter_vector` lays them out.
"""

from collections.abc import Iterable, Sequence

from cfdyn.codegen.llvm_nodes import LITERALS, MASK, VECTOR, Body
from cfdyn.codegen.schedule import LANES, WHOLE, Section, schedule
from cfdyn.tape.program import TRUTHS, Node, Program

_MANY = 16  # equal outputs from which on setting all of the memory at once is shorter
_RELOADED = frozenset(("z", "p", "rows"))  # read again where they are needed, not kept


def print_ir(program: Program, name: str) -> str:
    """The module that defines the function ``name``.

    A long program becomes a function for each of its sections, which pass values on through memory.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> square = Program(t, (t.ipow(t.leaf("z", 0), 2),), n_z=1, n_p=0)
    >>> print(print_ir(square, "f"))
    define void @f(ptr readonly %z, ptr readonly %p, ptr noalias %out) nounwind {
    start:
      %t1 = getelementptr double, ptr %z, i64 0
      %v0 = load double, ptr %t1
      %v1 = fmul double %v0, %v0
      %t2 = getelementptr double, ptr %out, i64 0
      store double %v1, ptr %t2
      ret void
    }
    <BLANKLINE>
    """
    sections = schedule(program) or [Section([], [])]
    declared: set[str] = set()
    short = sum(len(s.nodes) for s in sections) <= WHOLE
    parts = [sections] if short else [[s] for s in sections]
    slots, size = _slots(program, parts)
    functions = []
    for i, part in enumerate(parts):
        function = _Function(program, declared, slots)
        if i == 0:
            function.constants()
        for index, section in enumerate(part):
            function.section(section, index)
        functions.append(function.text(name if short else f"{name}_{i}", main=short))
    if not short:
        functions.append(_calls(name, len(parts), size))
    return "".join(f"declare {line}\n" for line in sorted(declared)) + "".join(functions)


def _calls(name: str, parts: int, size: int) -> str:
    calls = [f"  call void @{name}_{i}(ptr %z, ptr %p, ptr %out, ptr %s)\n" for i in range(parts)]
    head = f"define void @{name}(ptr readonly %z, ptr readonly %p, ptr noalias %out) nounwind {{\n"
    return f"{head}  %s = alloca [{max(size, 1)} x double], align 64\n{''.join(calls)}  ret void\n}}\n"


def _slots(program: Program, parts: Sequence[Sequence[Section]]) -> tuple[dict[Node, int], int]:
    """A place in memory for each value that another part needs, free again after its last use; how many at most."""
    tape = program.tape
    nodes = [[n for section in part for n in [*section.nodes, *section.sums]] for part in parts]
    last = {child: i for i, some in enumerate(nodes) for node in some for child in tape.children(node)}
    free: list[int] = []
    slots: dict[Node, int] = {}
    ending: list[list[int]] = [[] for _ in parts]
    size = 0
    for i, some in enumerate(nodes):
        for node in some:
            if last.get(node, i) > i and not tape.by_row[node] and tape.ops[node] not in _RELOADED | LITERALS:
                if not free:
                    free, size = [size], size + 1
                slots[node] = free.pop()
                ending[last[node]].append(slots[node])
        free += ending[i]
    return slots, size


class _Function(Body):
    """One function: some sections of a program, with what they need from elsewhere."""

    def __init__(self, program: Program, declared: set[str], slots: dict[Node, int]):
        super().__init__(program, declared)
        self.slots = slots
        self.spread: set[Node] = set()
        self.computed: set[Node] = set()
        self.places: dict[Node, list[int]] = {}
        for i, node in enumerate(program.outputs):
            self.places.setdefault(node, []).append(i)

    def text(self, name: str, main: bool) -> str:
        """The definition of the function."""
        body = "\n".join(line if line.endswith(":") else "  " + line for line in [*self.lines, "ret void"])
        kind, more = ("void", "") if main else ("internal void", ", ptr noalias %s")
        extra = "nounwind" if main else "nounwind noinline"
        head = f"define {kind} @{name}(ptr readonly %z, ptr readonly %p, ptr noalias %out{more}) {extra} {{"
        return f"{head}\nstart:\n{body}\n}}\n"

    def section(self, section: Section, index: int) -> None:
        """Its loop or its nodes, and what has to be stored of it."""
        self._fetch({c for n in [*section.nodes, *section.sums] for c in self.tape.children(n)} - {*section.nodes})
        if section.sums:
            self._loop(section, index)
        for node in section.sums or section.nodes:
            if not section.sums:
                self.node(node, 1)
            self.computed.add(node)
            if not self.is_literal(node):
                self.outputs([node])
            if node in self.slots:
                self._keep(node)

    def constants(self) -> None:
        """Store the outputs that are literals; all at once where many are 0, as in a large Jacobian."""
        literals = [node for node in self.places if self.is_literal(node)]
        zero = next((n for n in literals if self.tape.value(n) == 0 and len(self.places[n]) >= _MANY), None)
        if zero is not None:
            literals.remove(zero)
            self.declared.add("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
            size = 8 * len(self.program.outputs)
            self.lines.append(f"call void @llvm.memset.p0.i64(ptr align 8 %out, i8 0, i64 {size}, i1 false)")
        self.outputs(literals)

    def outputs(self, nodes: Iterable[Node]) -> None:
        """Store them where they belong: as soon as known, so that they need no register until the end."""
        for node in nodes:
            for i in self.places.get(node, ()):
                address = self.new(f"getelementptr double, ptr %out, i64 {i}")
                self.lines.append(f"store double {self.number(node, 1)}, ptr {address}")

    def _keep(self, node: Node) -> None:
        value = self.number(node, 1)
        if self.tape.ops[node] in TRUTHS:
            value = self.new(f"uitofp i1 {value} to double")
        address = self.new(f"getelementptr double, ptr %s, i64 {self.slots[node]}")
        self.lines.append(f"store double {value}, ptr {address}")

    def _fetch(self, nodes: set[Node]) -> None:
        """Values from other functions, and inputs."""
        for node in sorted(nodes - self.computed):
            if self.is_literal(node) or self.tape.by_row[node]:
                continue
            self.computed.add(node)
            if self.tape.ops[node] in _RELOADED:
                self.node(node, 1)
                continue
            address = self.new(f"getelementptr double, ptr %s, i64 {self.slots[node]}")
            if self.tape.ops[node] in TRUTHS:
                number = self.new(f"load double, ptr {address}")
                self.lines.append(f"%v{node} = fcmp une double {number}, 0.0")
            else:
                self.lines.append(f"%v{node} = load double, ptr {address}")

    def _loop(self, section: Section, index: int) -> None:
        """Blocks of LANES rows; the last block is filled up with copies, whose lanes are not added."""
        tape, n, before, label = self.tape, self.program.n_p, self.block, f"loop{index}"
        self.loop = index
        bodies = [tape.args[s][0] for s in section.sums]
        for node in self._from_outside(section.nodes):
            self.spread.add(node)
            kind, value = ("i1", MASK) if self.tape.ops[node] in TRUTHS else ("double", VECTOR)
            first = self.new(f"insertelement {value} poison, {kind} %v{node}, i64 0")
            self.lines.append(f"%s{node} = shufflevector {value} {first}, {value} poison, <{LANES} x i32> zeroinitializer")
        address = self.new(f"getelementptr double, ptr %p, i64 {n}")
        rows = self.new(f"fptosi double {self.new(f'load double, ptr {address}')} to i64")
        padded = self.new(f"and i64 {self.new(f'add i64 {rows}, {LANES - 1}')}, {-LANES}")
        self.lines += [f"br label %{label}", f"{label}:"]
        start = len(self.lines)
        self.block = label
        for column in (node for node in section.nodes if tape.ops[node] == "col"):
            offset = self.new(f"mul i64 {padded}, {tape.args[column][0]}")
            at = self.new(f"add i64 {self.new(f'add i64 {offset}, %row{index}')}, {n + 1}")
            address = self.new(f"getelementptr double, ptr %p, i64 {at}")
            self.lines.append(f"{self.name(column)} = load {VECTOR}, ptr {address}, align 8")
        for node in section.nodes:
            if tape.ops[node] != "col":
                self.node(node, LANES)
        totals = self._add_up(section.sums, bodies, index, rows)
        self.lines.append(f"%next{index} = add i64 %row{index}, {LANES}")
        self.lines.append(f"%more{index} = icmp slt i64 %next{index}, {rows}")
        end = self.block
        self.lines += [f"br i1 %more{index}, label %{label}, label %after{index}", f"after{index}:"]
        phis = [f"%row{index} = phi i64 [ 0, %{before} ], [ %next{index}, %{end} ]"]
        phis += [f"%u{s} = phi double [ 0.0, %{before} ], [ {t}, %{end} ]" for s, t in zip(section.sums, totals)]
        self.lines[start:start] = phis
        self.lines += [f"%v{s} = fadd double {t}, -0.0" for s, t in zip(section.sums, totals)]
        self.block = f"after{index}"

    def _add_up(self, sums: list[Node], bodies: list[Node], index: int, rows: str) -> list[str]:
        left = self.new(f"sub i64 {rows}, %row{index}")
        valid = [self.new(f"icmp sgt i64 {left}, {lane}") for lane in range(1, LANES)]
        totals = []
        for node, body in zip(sums, bodies, strict=True):
            terms = self.number(body, LANES)
            total = f"%u{node}"
            for lane in range(LANES):
                term = self.new(f"extractelement {VECTOR} {terms}, i64 {lane}")
                if lane:
                    # -0.0 leaves every sum as it is, also its sign.
                    term = self.new(f"select i1 {valid[lane - 1]}, double {term}, double -0.0")
                total = self.new(f"fadd double {total}, {term}")
            totals.append(total)
        return totals

    def _from_outside(self, rows: Iterable[Node]) -> list[Node]:
        """The nodes that the rows read and that are the same for all of them."""
        tape = self.tape
        read = {c for node in rows for c in tape.children(node)}
        return sorted(c for c in read if not tape.by_row[c] and c not in self.spread and not self.is_literal(c))
