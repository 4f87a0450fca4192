"""Studies of one loss with one optimizer, and comparisons of an optimizer with its continuous-time models."""
