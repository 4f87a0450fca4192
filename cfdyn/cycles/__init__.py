"""Which cycles of period n does a map have?

One variable: `line`, by the laps of the n-th iterate, all of them. Several variables: `boxes`, chains of boxes that are
cut until each holds one cycle or none, else `random_starts`, never complete. `shooting` is Newton's method on all points
of a cycle, for everyone.
"""
