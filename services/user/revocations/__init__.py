"""Sessions that have ended before their tokens, told to every process that verifies tokens."""
