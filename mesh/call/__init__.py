"""Calls between services: channels, interceptors, deadlines, and the error model on the wire."""
