"""The algebra behind closed forms, in a separate process that can be stopped."""
