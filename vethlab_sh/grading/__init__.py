"""What do a class's submissions deserve? Each runs in a lab of its own; a claim that holds there earns its points."""
