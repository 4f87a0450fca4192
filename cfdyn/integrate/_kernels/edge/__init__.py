"""The flow at the edge: what is at its zero, the forces that hold modes there, their Jacobian and checks."""
