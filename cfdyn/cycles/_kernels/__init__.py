"""Newton's method and multiple shooting for cycles; chains of boxes with Krawczyk's test, and stabilised searches."""
