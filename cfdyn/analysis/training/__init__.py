"""The course of an optimizer: its edge of stability, oscillations, averages, and models beside it."""
