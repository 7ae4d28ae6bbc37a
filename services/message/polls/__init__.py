"""Polls in messages."""
