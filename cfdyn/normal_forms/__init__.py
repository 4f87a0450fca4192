"""Normal forms of cycles with a multiplier on the unit circle.

The critical multipliers determine the kind, homological equations on all points of the cycle give the coefficients, and a
sentence states which cycles are born and whether they are stable.
"""
