"""Analysis of time series: slow and fast parts, periods of fast oscillations, averages and their lags."""
