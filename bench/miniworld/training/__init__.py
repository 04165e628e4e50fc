"""How the mini networks are trained."""
