"""What makes pages of text a site: their code run and checked, the reference written from docstrings, formulas as MathML."""
