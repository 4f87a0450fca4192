"""The command line: each command reads its options, makes one public call, and prints, saves or draws the result.

``run`` makes an exit status of it, ``app`` finds the commands in their folder. A command takes its ``options`` from there, builds
its ``subject``, and hands its result to ``screen`` (for people), ``document`` (JSON) and ``files``.
"""

from cfdyn.cli.run import main as main
