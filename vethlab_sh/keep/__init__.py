"""What outlives Python: labs that stay, saved scripts, recordings."""
