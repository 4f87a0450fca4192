"""Right-hand sides of flows that are more than formulas: rod, principal, self-stabilization, sharpness reduction, noise."""
