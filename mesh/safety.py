"""What a process refuses to start with, because it would not be safe."""


class Unsafe(Exception):
    """The settings, or the data, are not safe to start with. The message names what to change."""
