"""Continuation of cycles and bifurcations as parameters change.

`tracer` follows solutions with the compiled driver, `paths` in both directions and across borders. `branch`: cycles over one
parameter; `matrix_free`: the same by products. `curve`: bifurcations over two parameters. Builders return the fields of a record;
only the public file constructs it.
"""
