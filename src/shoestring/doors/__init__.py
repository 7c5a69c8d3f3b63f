"""The front doors: plain arguments in, the answer out. Each is thin over ``launch``."""

from shoestring.doors.comparing import compare
from shoestring.doors.resuming import resume
from shoestring.doors.searching import search
from shoestring.doors.sizing import largest, scale

__all__ = ["compare", "largest", "resume", "scale", "search"]
