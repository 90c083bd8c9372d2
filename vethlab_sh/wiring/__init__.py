"""What does the kernel have, drawn; and what changed? The picture of a snapshot, and what two differ in."""
