"""Random batches and noise: invariant densities, Lyapunov exponents, escape times."""
