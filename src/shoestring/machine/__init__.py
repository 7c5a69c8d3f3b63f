"""What the machine gives, as the rest of the package may rely on it.

===========  =======================================================================
clock        clocks and sleep that training code cannot replace
files        plain files in real folders, replaced whole or not at all
lock         one engine per run
mark         what every process of a run carries, so that all of them can be found
guardian     the process that ends what a killed engine leaves running
signals      Ctrl-C, SIGTERM and SIGHUP as a stop
importing    what ``file.py:name`` or ``package.module:name`` names
processor    which instructions PyTorch computes with
===========  =======================================================================
"""
