"""The edge of stability in a training run that somebody else wrote: `cf.watch`."""
