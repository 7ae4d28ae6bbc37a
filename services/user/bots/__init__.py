"""Bots: users that are programs, each with a person who answers for it."""
