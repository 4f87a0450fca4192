"""Intervals and parallelograms that cover each other under a map: from floats, proved in balls."""
