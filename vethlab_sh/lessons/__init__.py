"""What do the lessons ask, now and again later? Questions and answers as data; no notebook is needed to read them."""
