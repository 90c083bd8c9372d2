"""How is a lab live where no namespace may be made? In a kernel of its own that runs as a program: user-mode Linux."""
