"""Is it true? The kernel is asked; it says yes, or what is there instead."""
