"""Who supplies the integrator with a flow: its right-hand side and, where it has an edge, modes and forces there."""
