"""Cycles in boxes: interval chains with Krawczyk's test, and stabilised searches."""
