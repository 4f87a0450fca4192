"""Which bifurcation occurs when a multiplier of a cycle meets the unit circle?

The critical multipliers determine its kind, homological equations on all points of the cycle its coefficients, and these which
cycles are born and whether they are stable; the result includes a sentence.
"""
