"""Sessions: log-in, refresh with rotation, log-out."""
