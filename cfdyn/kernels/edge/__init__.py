"""The flow at the edge: modes that are held there, the forces that hold them, their Jacobian and checks."""
