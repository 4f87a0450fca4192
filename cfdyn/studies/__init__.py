"""The main jobs: a study of one loss with one optimizer, and an optimizer beside its continuous-time models."""
