"""A process forked while another thread imports and compiles can compute, and ends."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.processes import HANG, sentences

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")

CHILDREN = 8
SCRIPT = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background
import cfdyn as cf

busy = threading.Event()

def compiles():
    number = os.getpid()
    while True:
        number += 1
        loss = cf.Loss(f"(1 - x*y)**2/2 + {number}*x**4 + sin({number}*x*y)")
        step = cf.as_map(loss, cf.optimizers.gd(lr=0.01))
        loss.third([0.1, 0.2]), step.jacobian([0.1, 0.2]), cf.iterate(step, [0.1, 0.2], 3)
        from cfdyn.machine.jit import kernel
        kernel(eval(f"lambda x: x + {number}"))(1.0)
        busy.set()

def child(number):
    # x -> x - (1/4)(x - number) three times from x = number + 64
    loss = cf.Loss(f"(x - {number})**2/8")
    end = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=1.0)), [number + 64.0], 3).z[-1, 0]
    twice = cf.analysis.classify(cf.Map.from_text(f"{number} - x - {number}"), [0.5]).period
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    os._exit(0 if (end, twice, interruptible) == (number + 27.0, 2, True) else 1)

threading.Thread(target=compiles, daemon=True).start()
if sys.argv[1] == "later":
    busy.wait()
children = []
for number in range(int(sys.argv[2])):
    time.sleep(0.005 * number)
    one = os.fork()
    if one == 0:
        child(number)
    children.append(one)
# A hang ends in a signal, which no child that computes is sent.
for one in children:
    threading.Timer(float(sys.argv[3]), os.kill, (one, signal.SIGKILL)).start()
print(sum(os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) == 0 for one in children), flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("when", ["at once", "later"])
def test_children_forked_while_a_thread_compiles(when):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", SCRIPT, when, str(CHILDREN), str(HANG)], capture_output=True, text=True)
    assert (done.stdout.strip(), sentences(done.stderr)) == (str(CHILDREN), "")


def test_a_thread_that_forks_within_a_lock_of_its_own_goes_on():
    code = """
import os, cfdyn
from cfdyn.codegen.compile import _one_at_a_time
with _one_at_a_time:
    one = os.fork()
    if one == 0:
        os._exit(0 if cfdyn.Loss("x**2").value([2.0]) == 4 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]), cfdyn.Loss("x**3").value([2.0]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.split(), sentences(done.stderr)) == (["0", "8.0"], "")
