"""Systems whose zeros are bifurcations of a cycle, and the coefficients of their normal forms."""
