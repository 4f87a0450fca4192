"""Integrators of ordinary differential equations, their step sizes, events and dense output."""
