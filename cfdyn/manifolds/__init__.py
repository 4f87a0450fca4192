"""Stable and unstable manifolds of saddle cycles, and their crossings and tangencies.

`series`: the manifold near its cycle; `arm`: any point of it, and its growth. `crossings`: homoclinic and heteroclinic points;
`contact`: tangencies of two manifolds over parameters. `landings`: critical orbits of a map of one variable that land on a
cycle; `attractors`: the attractor on both sides of a parameter value, which determines the kind of a crisis.
"""
