"""What an attacker tries, as data: each file one kind of place where a stranger's bytes arrive."""
