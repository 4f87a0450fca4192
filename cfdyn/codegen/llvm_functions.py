"""The functions of a program in LLVM IR: plain sections, loops over the data rows, and pieces of long loops."""

from collections.abc import Iterable, Sequence

from cfdyn.codegen.llvm_nodes import MASK, VECTOR, Body, spread
from cfdyn.codegen.schedule import LANES, Section
from cfdyn.tape.program import TRUTHS, Node, Program

_MANY = 16  # equal outputs from which on setting all of the memory at once is shorter
RELOADED = frozenset(("z", "p", "rows", "col"))  # read again where they are needed, not kept


class Function(Body):
    """One function: some sections of a program, with the values that they need from other functions."""

    MORE = ""  # arguments

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
        kind, more = ("void", "") if main else ("internal void", f", ptr noalias %s{self.MORE}")
        extra = "nounwind" if main else "nounwind noinline"
        head = f"define {kind} @{name}(ptr readonly %z, ptr readonly %p, ptr noalias %out{more}) {extra} {{"
        return f"{head}\nstart:\n{body}\n}}\n"

    def section(self, section: Section, index: int) -> None:
        """The section's loop or nodes, and the stores of its results."""
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

    def sums(self, nodes: Sequence[Node]) -> None:
        """After a long loop: those of its sums that are outputs."""
        wanted = [node for node in nodes if node in self.places]
        self._fetch(set(wanted))
        self.outputs(wanted)

    def constants(self) -> None:
        """Store the outputs that are literals; all at once if many are 0, as in a large Jacobian."""
        literals = [node for node in self.places if self.is_literal(node)]
        zero = next((n for n in literals if self.tape.value(n) == 0 and len(self.places[n]) >= _MANY), None)
        if zero is not None:
            literals.remove(zero)
            self.declared.add("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
            size = 8 * len(self.program.outputs)
            self.lines.append(f"call void @llvm.memset.p0.i64(ptr align 8 %out, i8 0, i64 {size}, i1 false)")
        self.outputs(literals)

    def outputs(self, nodes: Iterable[Node]) -> None:
        """Store the outputs in their places as soon as they are known, so that they need no register until the end."""
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
            if self.tape.ops[node] in RELOADED:
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
        n, before, label = self.program.n_p, self.block, f"loop{index}"
        self.loop = index
        self._spread(section.nodes)
        address = self.new(f"getelementptr double, ptr %p, i64 {n}")
        rows = self.new(f"fptosi double {self.new(f'load double, ptr {address}')} to i64")
        padded = self.new(f"and i64 {self.new(f'add i64 {rows}, {LANES - 1}')}, {-LANES}")
        self.lines += [f"br label %{label}", f"{label}:"]
        start = len(self.lines)
        self.block = label
        self._rows(section.nodes, f"%row{index}", padded)
        totals = self._add_up(section.sums, f"%row{index}", rows)
        self.lines.append(f"%next{index} = add i64 %row{index}, {LANES}")
        self.lines.append(f"%more{index} = icmp slt i64 %next{index}, {rows}")
        end = self.block
        self.lines += [f"br i1 %more{index}, label %{label}, label %after{index}", f"after{index}:"]
        phis = [f"%row{index} = phi i64 [ 0, %{before} ], [ %next{index}, %{end} ]"]
        phis += [f"%u{s} = phi double [ 0.0, %{before} ], [ {t}, %{end} ]" for s, t in zip(section.sums, totals)]
        self.lines[start:start] = phis
        self.lines += [f"%v{s} = fadd double {t}, -0.0" for s, t in zip(section.sums, totals)]
        self.block = f"after{index}"

    def _spread(self, nodes: Sequence[Node]) -> None:
        """Spread the numbers that rows need over all lanes."""
        for node in self._from_outside(nodes):
            self.spread.add(node)
            kind, value = ("i1", MASK) if self.tape.ops[node] in TRUTHS else ("double", VECTOR)
            first = self.new(f"insertelement {value} poison, {kind} %v{node}, i64 0")
            self.lines.append(f"%s{node} = shufflevector {value} {first}, {value} poison, <{LANES} x i32> zeroinitializer")

    def _rows(self, nodes: Sequence[Node], row: str, padded: str) -> None:
        """A block of rows: the columns, then the nodes computed from them."""
        tape, n = self.tape, self.program.n_p
        for column in (node for node in nodes if tape.ops[node] == "col"):
            offset = self.new(f"mul i64 {padded}, {tape.args[column][0]}")
            at = self.new(f"add i64 {self.new(f'add i64 {offset}, {row}')}, {n + 1}")
            address = self.new(f"getelementptr double, ptr %p, i64 {at}")
            self.lines.append(f"{self.name(column)} = load {VECTOR}, ptr {address}, align 8")
        for node in nodes:
            if tape.ops[node] != "col":
                self.node(node, LANES)

    def _add_up(self, sums: list[Node], row: str, rows: str) -> list[str]:
        left, order = self.new(f"sub i64 {rows}, {row}"), ", ".join(f"i64 {lane}" for lane in range(LANES))
        first = self.new(f"insertelement <{LANES} x i64> poison, i64 {left}, i64 0")
        many = f"<{LANES} x i64> {first}, <{LANES} x i64> poison, <{LANES} x i32> zeroinitializer"
        valid = self.new(f"icmp sgt <{LANES} x i64> {self.new(f'shufflevector {many}')}, <{order}>")
        # -0.0 leaves every sum as it is, also its sign; without flags the intrinsic adds one lane after the other.
        nothing, adding = spread("-0.0", LANES), f"@llvm.vector.reduce.fadd.v{LANES}f64"
        self.declared.add(f"double {adding}(double, {VECTOR})")
        totals = []
        for node in sums:
            terms = self.number(self.tape.args[node][0], LANES)
            chosen = self.new(f"select {MASK} {valid}, {VECTOR} {terms}, {VECTOR} {nothing}")
            totals.append(self.new(f"call double {adding}(double %u{node}, {VECTOR} {chosen})"))
        return totals

    def _from_outside(self, rows: Iterable[Node]) -> list[Node]:
        """The nodes that the rows read and that do not depend on the row."""
        tape = self.tape
        read = {c for node in rows for c in tape.children(node)}
        return sorted(c for c in read if not tape.by_row[c] and c not in self.spread and not self.is_literal(c))


class Piece(Function):
    """A piece of the body of a long loop, called for each block of rows; values of the rows for other pieces are passed in %r."""

    MORE = ", ptr noalias %r, i64 %row, i64 %rows, i64 %padded"

    def __init__(self, program: Program, declared: set[str], slots: dict[Node, int], rows: dict[Node, int]):
        super().__init__(program, declared, slots)
        self.rows = rows

    def piece(self, piece: Section) -> None:
        """Compute its rows, store what other pieces need, and add to its sums."""
        tape, own = self.tape, {*piece.nodes}
        read = {c for node in piece.nodes for c in tape.children(node)}
        self._fetch({c for c in read if not tape.by_row[c]})
        self._spread(piece.nodes)
        before = sorted(c for c in read - own if tape.by_row[c])
        for node in (node for node in before if tape.ops[node] != "col"):
            self._fetch_row(node)
        columns = [node for node in before if tape.ops[node] == "col"]
        self._rows([*columns, *piece.nodes], "%row", "%padded")
        for node in piece.nodes:
            if node in self.rows:
                self._keep_row(node)
        addresses = [self.new(f"getelementptr double, ptr %s, i64 {self.slots[node]}") for node in piece.sums]
        self.lines += [f"%u{node} = load double, ptr {at}" for node, at in zip(piece.sums, addresses, strict=True)]
        totals = self._add_up(piece.sums, "%row", "%rows")
        self.lines += [f"store double {total}, ptr {at}" for total, at in zip(totals, addresses, strict=True)]

    def _place(self, node: Node) -> str:
        return self.new(f"getelementptr {VECTOR}, ptr %r, i64 {self.rows[node]}")

    def _keep_row(self, node: Node) -> None:
        value = self.number(node, LANES)
        if self.tape.ops[node] in TRUTHS:
            value = self.new(f"uitofp {MASK} {value} to {VECTOR}")
        self.lines.append(f"store {VECTOR} {value}, ptr {self._place(node)}, align 64")

    def _fetch_row(self, node: Node) -> None:
        load = f"load {VECTOR}, ptr {self._place(node)}, align 64"
        if self.tape.ops[node] in TRUTHS:
            self.lines.append(f"{self.name(node)} = fcmp une {VECTOR} {self.new(load)}, zeroinitializer")
        else:
            self.lines.append(f"{self.name(node)} = {load}")


class Calls:
    """The main function of a program in several functions: their calls, and the memory through which they pass values."""

    def __init__(self, program: Program, name: str, slots: dict[Node, int], size: int):
        self.program, self.name, self.slots, self.size = program, name, slots, size
        self.lines: list[str] = []
        self.block, self.loops, self.row_slots = "start", 0, 0

    def call(self, name: str) -> None:
        """Call a function."""
        self.lines.append(f"call void @{name}(ptr %z, ptr %p, ptr %out, ptr %s)")

    def loop(self, names: Sequence[str], sums: Sequence[Node], row_slots: int) -> None:
        """Call the pieces of a loop for each block of rows, from sums of 0 on."""
        k, first = self.loops, min(self.slots[node] for node in sums)
        self.lines += [f"%sums{k} = getelementptr double, ptr %s, i64 {first}",
                       f"call void @llvm.memset.p0.i64(ptr align 8 %sums{k}, i8 0, i64 {8 * len(sums)}, i1 false)"]  # fmt: skip
        self.lines += [f"br label %loop{k}", f"loop{k}:", f"%row{k} = phi i64 [ 0, %{self.block} ], [ %next{k}, %loop{k} ]"]
        shared = f"ptr %z, ptr %p, ptr %out, ptr %s, ptr %r, i64 %row{k}, i64 %rows, i64 %padded"
        self.lines += [f"call void @{name}({shared})" for name in names]
        self.lines += [f"%next{k} = add i64 %row{k}, {LANES}", f"%more{k} = icmp slt i64 %next{k}, %rows",
                       f"br i1 %more{k}, label %loop{k}, label %after{k}", f"after{k}:"]  # fmt: skip
        self.block, self.loops, self.row_slots = f"after{k}", k + 1, max(self.row_slots, row_slots)

    def text(self) -> str:
        """The definition of the main function."""
        head = [f"%s = alloca [{max(self.size, 1)} x double], align 64"]
        if self.loops:
            head += [f"%r = alloca [{max(self.row_slots, 1)} x {VECTOR}], align 64",
                     f"%count = getelementptr double, ptr %p, i64 {self.program.n_p}", "%number = load double, ptr %count",
                     "%rows = fptosi double %number to i64", f"%above = add i64 %rows, {LANES - 1}",
                     f"%padded = and i64 %above, {-LANES}"]  # fmt: skip
        body = "\n".join(line if line.endswith(":") else f"  {line}" for line in [*head, *self.lines, "ret void"])
        define = f"define void @{self.name}(ptr readonly %z, ptr readonly %p, ptr noalias %out) nounwind {{"
        return f"{define}\nstart:\n{body}\n}}\n"
