"""What the benchmarks compute: maps, losses and stiff equations, each stated once for every competitor."""
