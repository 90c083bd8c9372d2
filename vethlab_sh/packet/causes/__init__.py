"""Why does a packet go no further? Where it was last seen, what the kernel says there, and what mends it."""
