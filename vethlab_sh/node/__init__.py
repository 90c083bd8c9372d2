"""What is on a real node, pasted or this one? Its cables with their pods, and whether flannel or calico laid them."""
