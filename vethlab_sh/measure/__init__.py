"""Wirings side by side: what does each cost, and lose without an entry? They are laid, measured and drawn."""
