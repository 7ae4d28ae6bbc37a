"""Conversations, their messages, and the feeds that tell of every change."""
