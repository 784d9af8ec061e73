"""Scripts that run outside of keepgate: in the reaper, and inside of a sandbox. They import nothing of keepgate."""
