"""Newton's method and multiple shooting for cycles; interval chains with Krawczyk's test, and stabilised searches."""
