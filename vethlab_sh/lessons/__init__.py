"""What do the lessons ask, and what was answered? Questions and answers as data; no notebook is needed to read them."""
