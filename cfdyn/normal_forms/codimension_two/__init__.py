"""Normal forms of cycles of codimension two.

The map on the centre manifold is computed as a polynomial and transformed to its normal form, which gives the coefficients for
each kind of point, and a sentence that states which cycles or circles are born.
"""
