"""The command line: each command reads its options, makes one public call, and prints, saves or draws the result.

``run`` determines the exit status, ``app`` finds the commands in their folder. A command takes its ``options`` from there, builds
its ``subject``, and passes its result to ``screen`` (for people), ``document`` (JSON) and ``files``.
"""

from cfdyn.cli.run import main as main
