"""How does it read in a terminal, and which verbs are there? As plain text; `cli.VERBS` lists the verbs."""
