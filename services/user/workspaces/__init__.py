"""Workspaces: everything belongs to one, and nothing reaches from one into another."""
