"""Every model on every case, with the prompts that were drawn before."""
