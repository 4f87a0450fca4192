"""Maps of one variable: laps, itineraries of laps, and the cycles that follow a word."""
