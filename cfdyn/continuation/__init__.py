"""How does a cycle, or a bifurcation, go on as parameters change?

`tracer` follows solutions with the compiled driver, `paths` in both directions and through borders. `branch`: cycles over one
parameter; `matrix_free`: the same by products. `curve`: bifurcations over two. Builders hand back the fields of a record; only
the public file makes it.
"""
