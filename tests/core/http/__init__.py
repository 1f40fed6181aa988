"""Asking other people's servers: what may be asked, and what they may do to us."""
