"""Which wiring is faster, and which asks for more?"""
