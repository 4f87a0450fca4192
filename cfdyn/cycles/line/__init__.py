"""All cycles of a map of one variable: between its laps, at its corners, jumps and ends, and what remains undecided."""
