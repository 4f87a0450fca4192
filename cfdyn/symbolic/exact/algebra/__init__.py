"""The algebra behind closed forms, in a process of its own that can be stopped."""
