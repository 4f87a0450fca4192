"""The objects of study: losses, maps, flows and orbits of maps, and the oracles through which other losses enter."""
