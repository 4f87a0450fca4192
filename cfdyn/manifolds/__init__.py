"""Where do orbits come from and go to near a saddle cycle, and where do those curves meet?

`series`: the manifold near its cycle; `arm`: any point of it, and its growth. `crossings`: homoclinic and heteroclinic points;
`contact`: where two manifolds touch, over parameters. `landings`: critical orbits of a map of one variable that end on a cycle;
`attractors`: what an orbit fills beside a value of the parameter, which tells the kinds of crises.
"""
