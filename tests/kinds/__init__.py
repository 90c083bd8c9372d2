"""What kinds of devices look like: a small network for each, and the page about them."""
