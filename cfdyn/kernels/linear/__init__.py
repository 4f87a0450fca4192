"""Linear algebra of matrices too small for BLAS, callable from kernels."""
