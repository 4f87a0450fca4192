"""What is studied: a loss, a map, a flow, and the orbits of a map. An oracle says what a loss must be able to tell."""
