"""The catalogue of figures: one file each, whose ``draw`` says by the type of its first argument which records it draws."""
