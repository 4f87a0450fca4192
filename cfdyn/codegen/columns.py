"""A matrix of derivatives whose program would be long: its columns by one short program, one direction after the other."""

from cfdyn.codegen.llvm_ir import print_ir
from cfdyn.tape.program import Program

WRITTEN = 60  # columns up to which a matrix has a program of its own: its size, and the compiler's time, grow with the square


_MIRRORED = """
  %under = mul i64 %j, {columns}
  %beside = add i64 %under, %i
  %there = getelementptr double, ptr %out, i64 %beside
  store double %value, ptr %there"""


def print_columns(program: Program, name: str, columns: int, symmetric: bool) -> str:
    """The module of a function ``name`` for the matrix (outputs, columns) whose products with a vector ``program`` computes.

    The vector is the last input of the program. A symmetric matrix is computed from its upper half, so that it is exactly
    symmetric.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> twice = Program(t, (t.mul(t.const(2), t.leaf("z", 0)),), n_z=1, n_p=0)
    >>> print_columns(twice, "f", 1, True).count("define")
    2
    """
    n_in, n_out = program.n_z, len(program.outputs)
    first, rows = n_in - columns, "%next" if symmetric else str(n_out)
    mirrored = _MIRRORED.format(columns=columns) if symmetric else ""
    return f"""{_with(print_ir(program, f"{name}_column"))}
define void @{name}(ptr readonly %z, ptr readonly %p, ptr noalias %out) nounwind {{
start:
  %x = alloca [{n_in} x double], align 64
  %y = alloca [{n_out} x double], align 64
  %v = getelementptr double, ptr %x, i64 {first}
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %x, ptr align 8 %z, i64 {8 * first}, i1 false)
  call void @llvm.memset.p0.i64(ptr align 8 %v, i8 0, i64 {8 * columns}, i1 false)
  br label %column
column:
  %j = phi i64 [ 0, %start ], [ %next, %done ]
  %next = add i64 %j, 1
  %entry = getelementptr double, ptr %v, i64 %j
  store double 1.0, ptr %entry
  call void @{name}_column(ptr %x, ptr %p, ptr %y)
  store double 0.0, ptr %entry
  br label %row
row:
  %i = phi i64 [ 0, %column ], [ %below, %row ]
  %from = getelementptr double, ptr %y, i64 %i
  %value = load double, ptr %from
  %over = mul i64 %i, {columns}
  %at = add i64 %over, %j
  %to = getelementptr double, ptr %out, i64 %at
  store double %value, ptr %to{mirrored}
  %below = add i64 %i, 1
  %more = icmp slt i64 %below, {rows}
  br i1 %more, label %row, label %done
done:
  %again = icmp slt i64 %next, {columns}
  br i1 %again, label %column, label %end
end:
  ret void
}}
"""


def _with(module: str) -> str:
    """The module with declarations of the two LLVM functions that move memory."""
    needed = ("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)", "void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    return "".join(f"declare {line}\n" for line in needed if f"declare {line}" not in module) + module
