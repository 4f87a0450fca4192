"""Small numerical helpers that know nothing of optimizers."""
