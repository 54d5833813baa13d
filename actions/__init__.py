"""The questions: the five live ones, typed in and out. Every door shares them."""
