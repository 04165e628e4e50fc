"""The commands, one module each: options in, a call, its result printed, an exit code.

What a command calls is imported inside it: the command line starts in a blink, and a command loads what it needs.
"""
