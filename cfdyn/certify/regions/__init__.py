"""Boxes and ellipsoids that a map takes into themselves."""
