"""Values that are recognised where they turn up again: what is distinctive, how it is disguised, what is kept of it."""
