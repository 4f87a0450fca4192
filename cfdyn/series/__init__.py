"""Parts of a series of data: its slow part, a fast oscillation and its period, averages and how far each lags."""
