"""Modules and optimizers of torch, as a watch sees them."""
