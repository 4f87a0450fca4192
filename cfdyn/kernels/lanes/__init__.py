"""Many orbits of one map at once, each with its own start and parameters, in blocks of `cfdyn.codegen.lanes`."""
