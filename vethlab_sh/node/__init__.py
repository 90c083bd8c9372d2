"""What is on a real node: pasted, or this one?"""
