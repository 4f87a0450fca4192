"""Maps of one variable: laps, words of laps, and the cycles that follow a word."""
