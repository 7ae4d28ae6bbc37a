"""Failures to log in: how they slow down and stop whoever guesses passwords."""
