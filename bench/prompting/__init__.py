"""Simulated users: boxes and clicks drawn from target masks, each from its own seed."""
