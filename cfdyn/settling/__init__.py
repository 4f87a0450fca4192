"""On which attractor does an orbit settle: a cycle, a curve or chaos; does it diverge, or is it undecided?

An orbit is compared with a cycle that Newton's method finds near it. If it does not converge to one, its Lyapunov exponents and
averages decide. If it leaves the range of floats, it is repeated in higher precision.
"""
