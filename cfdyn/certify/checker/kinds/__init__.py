"""One file for each kind of certificate: ``check(document, g)`` verifies its evidence, or raises a NotValid."""
