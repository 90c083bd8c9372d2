"""How does it read in a terminal, and which verbs are there?"""
