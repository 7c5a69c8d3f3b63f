"""The state of a program as plain data: captured, stored without pickle, and restored.

===========  ===================================================================
capture      captures the state of objects, and restores it
kinds        which kinds of objects a state can hold
handed       what a training function hands to ``trial.steps``
built        those objects as they were built, to tell what has changed
modules      what torch's modules hold besides their ``state_dict``
generators   the states of random number generators
packing      plain data as bytes
unpacking    bytes as plain data; nothing is unpickled
===========  ===================================================================
"""
