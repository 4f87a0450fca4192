"""Claims of the literature, settled with evidence: a source's statements, their checks, verdicts and a report.

`Claims` (``claim.py``) hold what the files in ``papers/`` state, ``sources.py`` finds those files, `run` checks them in processes
of their own (``runner.py``, ``worker.py``) and keeps what was measured (``kept.py``), ``verdict.py`` holds it against what the
source says, and ``report.py`` writes it down. `search` looks for cycles that refute a `Statement` on a `Family` of maps.
"""

from cfdyn.arguments import checked
from cfdyn.claims.claim import Claim, Claims, Control, Question, Undecided
from cfdyn.claims.expected import above, at_least, at_most, below, between, interval, near
from cfdyn.claims.runner import run
from cfdyn.claims.search import Family, FoundCycle, Search, Statement, search
from cfdyn.claims.verdict import Verdict

run, search = checked(run, __name__), checked(search, __name__)

__all__ = [
    "Claim", "Claims", "Control", "Family", "FoundCycle", "Question", "Search", "Statement", "Undecided", "Verdict", "above",
    "at_least", "at_most", "below", "between", "interval", "near", "run", "search",
]  # fmt: skip
