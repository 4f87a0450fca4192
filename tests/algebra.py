"""The process for the algebra, forked from one that has SymPy already: to import it takes longer than most questions.

All else is as usual: it runs the same module on the same two pipes, under the same limits. tests/symbolic/test_exact_process.py
takes the usual one.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress

from cfdyn.symbolic.exact import process


class Source:
    """A process that forks on demand; each answer is one line."""

    def __init__(self) -> None:
        self.control, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            command = [sys.executable, "-m", "tests.algebra", str(there.fileno())]
            path = os.pathsep.join([str(process.__file__).rpartition("/cfdyn/")[0], os.environ.get("PYTHONPATH", "")])
            self.process = subprocess.Popen(command, pass_fds=[there.fileno()], env={**os.environ, "PYTHONPATH": path})

    def ask(self, *words: object, pipes: tuple[int, ...] = ()) -> int:
        socket.send_fds(self.control, [" ".join(map(str, words)).encode()], pipes)
        return int(self.control.recv(100))

    def close(self) -> None:
        self.control.close()
        self.process.wait()


class Forked:
    """What `process` needs of a Popen."""

    def __init__(self, source: Source, time_limit: float) -> None:
        (question, stdin), (stdout, answer) = os.pipe(), os.pipe()
        self.source, self.returncode = source, None
        self.pid = source.ask("begin", time_limit, pipes=(question, answer))
        os.close(question)
        os.close(answer)
        self.stdin, self.stdout = os.fdopen(stdin, "w", encoding="utf-8"), os.fdopen(stdout, encoding="utf-8")

    def wait(self) -> int:
        if self.returncode is None:
            self.returncode = self.source.ask("end", self.pid)
        return self.returncode

    def kill(self) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self) -> None:
        for stream in (self.stdin, self.stdout):
            with suppress(OSError):
                stream.close()
        self.wait()


def _become_the_worker(control: socket.socket, pipes: list[int], time_limit: str) -> None:
    from cfdyn.symbolic.exact.algebra import worker

    control.close()
    sys.argv[1:] = [time_limit]
    sys.stdin, sys.stdout = os.fdopen(pipes[0], encoding="utf-8"), os.fdopen(pipes[1], "w", encoding="utf-8")
    worker.main()
    os._exit(0)


def main() -> None:
    """Fork, or wait for what was forked, until the other end is closed."""
    from cfdyn.symbolic.exact.algebra import worker  # noqa: F401 (all that it needs is imported once)

    control = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, pipes, _, _ = socket.recv_fds(control, 100, 2)
        if not message:
            return
        what, number = message.decode().split()
        if what == "begin":
            answer = os.fork()
            if answer == 0:
                _become_the_worker(control, pipes, number)
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(int(number), 0)[1])
        for pipe in pipes:
            os.close(pipe)
        control.send(str(answer).encode())


if __name__ == "__main__":
    main()
