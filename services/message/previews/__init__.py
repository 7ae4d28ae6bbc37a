"""Previews of what messages link to. Off unless the installation asks for it."""
