"""Where did a packet go, and why?"""
