"""What happens where two conditions on the multipliers of a cycle meet?

The map on the centre manifold is computed as a polynomial, brought to its normal form, and that is read: a coefficient for each
kind of point, and a sentence that says which cycles or circles are born.
"""
