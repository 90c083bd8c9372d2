"""What do a class's submissions deserve?"""
