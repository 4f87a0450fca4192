"""Many runs at once: stochastic steps with a random stream for each run, and statistics over them."""
