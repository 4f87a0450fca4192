"""The entries that must be watched to detect a state that is too large, and whether a NaN state shows later."""

from fractions import Fraction

from cfdyn.tape.program import LEAVES, Node, Program

# NaN as soon as an argument is; not pow, which is 1 where the exponent is 0.
_STRICT = LEAVES | frozenset(
    "add sub mul div neg ipow sqrt abs round floor max min sign heaviside exp log sin cos tan sinh cosh tanh log1p erf"
    " far_sin far_cos rowsum".split()
)
_SUM = Fraction(2) + Fraction(1, 2**50)  # of two entries, round-off included


def generating(program: Program, watched: int) -> tuple[list[int], list[Node | Fraction]]:
    """Entries whose sizes bound those of the first ``watched`` ones, and the largest factors |p| or c.

    An entry that is p zᵢ, or the old zᵢ, is as large as zᵢ up to that factor; a summand of zᵢ is no larger than old and new zᵢ
    together.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> x, y, p = t.leaf("z", 0), t.leaf("z", 1), t.leaf("p", 0)
    >>> generating(Program(t, (t.sub(t.mul(x, x), y), t.mul(p, x)), n_z=2, n_p=1), 2) == ([0], [p])
    True
    """
    looked, needed, factors = set(range(watched)), set[int](), list[Node | Fraction]()
    for entry in reversed(range(watched)):
        bound = None if entry in needed else _bound(program, entry, looked - {entry})
        if bound is not None:
            other, factor = bound
            looked.remove(entry)
            needed.add(other)
            factors.append(factor)
    return sorted(looked), factors


def _bound(program: Program, entry: int, others: set[int]) -> tuple[int, Node | Fraction] | None:
    tape, outputs = program.tape, program.outputs
    node = outputs[entry]
    before = {tape.leaf("z", i): i for i in sorted(others)}
    if node in before:
        return before[node], Fraction(1)
    if tape.ops[node] == "mul":
        for x, factor in (tape.args[node], tape.args[node][::-1]):
            if x in before and tape.ops[factor] in ("p", "const"):
                return before[x], abs(tape.args[factor][0]) if tape.ops[factor] == "const" else factor
    for i in sorted(others):
        sum_ = outputs[i]
        if tape.ops[sum_] in ("add", "sub") and set(tape.args[sum_]) == {tape.leaf("z", i), node}:
            return i, _SUM
    return None


def never_forgets(program: Program, watched: int) -> bool:
    """True if one of the first ``watched`` entries is NaN in each state after one in which one was.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> x = t.leaf("z", 0)
    >>> [never_forgets(Program(t, (f,), n_z=1, n_p=0), 1) for f in (t.apply("log", x), t.const(1))]
    [True, False]
    """
    tape, seen, read = program.tape, set[Node](), set[int]()
    stack = list(program.outputs[:watched])
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if tape.ops[node] not in _STRICT:
            return False
        if tape.ops[node] == "z":
            read.add(tape.args[node][0])
        stack += tape.children(node)
    return read >= set(range(watched))
