"""What does an orbit end on: a cycle, a curve, chaos, infinity, or can it not be told?

An orbit is compared with a cycle that Newton's method finds near it; what does not approach one is judged by its
Lyapunov exponents and averages; what leaves the range of floats is followed in more digits.
"""
