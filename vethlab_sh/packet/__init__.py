"""Where did a packet go, and why? Each device is listened to, and the kernel's tables give the reasons."""
