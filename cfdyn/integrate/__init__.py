"""Integration of flows: adaptive steps between events, on the manifold where critical eigenvalues are held at the edge."""
