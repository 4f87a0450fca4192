"""Programs into machine code: print, store, compile."""
