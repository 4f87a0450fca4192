"""LLVM IR → object code → a function in this process, through llvmlite."""

from functools import cache
from typing import Any

import llvmlite.binding as llvm

from cfdyn.machine.portable import held_while_forking

held_while_forking(llvm.ffi.lib._lock._lock, 2)


def assemble(ir: str) -> bytes:
    """The object code of a module in LLVM IR, for this processor.

    Only the code generator optimises: a tape has no common or dead parts for other passes to find, and measurements show no
    faster evaluation with them. Nothing reorders or fuses floating-point operations: the numbers are those of the IR, bit by bit.
    """
    return _machine().emit_object(llvm.parse_assembly(ir))


def load(code: bytes, name: str) -> int:
    """The address of a function of that object code; it exists as long as this process."""
    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(name)
    assert address, f"the object code has no function {name}"
    return address


def processor() -> str:
    """The system, the processor and its features, for which object code is made."""
    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"


@cache
def has(feature: str) -> bool:
    """Whether the processor has a feature, by its name in LLVM."""
    return bool(llvm.get_host_cpu_features().get(feature))


def _new_machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target, features = llvm.Target.from_default_triple(), llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(llvm.get_host_cpu_name(), features, opt=2, codemodel="jitdefault", jit=True)


_machine = cache(_new_machine)


@cache
def _engine() -> Any:
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _new_machine())
