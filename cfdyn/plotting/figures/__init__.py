"""The catalogue of figures, one file each; the type of the first argument of its ``draw`` determines which records it draws."""
