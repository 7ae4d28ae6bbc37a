"""Mails to users: what they say, how they are kept until they are sent, and who sends them."""
