"""A checker that verifies certificates from their text alone; it shares no code with the prover except the parser of formulas."""
