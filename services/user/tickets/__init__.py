"""Tickets that open one socket each, in place of the access token."""
