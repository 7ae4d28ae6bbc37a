"""Messages that somebody keeps for themselves."""
