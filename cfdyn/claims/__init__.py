"""Claims of the literature, decided by evidence: each has a check that measures, and a verdict.

`run` measures and decides, `search` looks for cycles that refute a `Statement` on a `Family` of maps. `Claims` contain the
statements of a source, with `near`, `between`, `above`, … for the expected values, and a `Control`: a false statement that must
fail.

>>> import cfdyn as cf
>>> verdict, = cf.claims.run(["may1976.first_flip"], processes=1)
>>> verdict.verdict, round(verdict.measured["flip"], 12)
('reproduced', 3.0)
"""

from cfdyn.claims.claim import Claim, Claims, Control, Question, Undecided
from cfdyn.claims.expected import above, at_least, at_most, below, between, interval, near
from cfdyn.claims.family import Family, Statement
from cfdyn.claims.runner import run
from cfdyn.claims.search import FoundCycle, Search, search
from cfdyn.claims.verdict import Verdict
from cfdyn.signatures import checked

run, search = checked(run, __name__), checked(search, __name__)

__all__ = [
    "Claim", "Claims", "Control", "Family", "FoundCycle", "Question", "Search", "Statement", "Undecided", "Verdict", "above",
    "at_least", "at_most", "below", "between", "interval", "near", "run", "search",
]  # fmt: skip


def __dir__() -> list[str]:
    return __all__
