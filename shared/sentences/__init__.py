"""What services say when something fails, in other languages than the one in which they say it."""
