"""The flow at the edge: projection, the forces that hold modes there, their Jacobian and checks."""
