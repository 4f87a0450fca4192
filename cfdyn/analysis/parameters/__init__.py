"""Diagrams over one parameter and maps over two."""
