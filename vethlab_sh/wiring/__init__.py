"""What does the kernel have, drawn; and what changed?"""
