"""Intervals and parallelograms that cover each other under a map: found in floats, proved in balls."""
