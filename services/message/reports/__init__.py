"""Messages that somebody found should be looked at."""
