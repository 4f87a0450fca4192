"""Programs to machine code: print, store, compile."""
