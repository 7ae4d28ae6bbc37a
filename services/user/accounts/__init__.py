"""Accounts and the profiles that others see."""
