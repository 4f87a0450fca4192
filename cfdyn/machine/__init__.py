"""Between Python and machine code: numba, code kept on disk, processes, Ctrl-C. Nothing else configures numba."""
