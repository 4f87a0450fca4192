"""What happens where a multiplier of a cycle meets the unit circle?

The critical multipliers are named, the coefficients follow from homological equations on all points of the cycle, and a
sentence says which cycles are born and whether they are stable.
"""
