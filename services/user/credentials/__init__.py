"""Passwords and mail addresses: how they are proven, changed, and got back when they are lost."""
