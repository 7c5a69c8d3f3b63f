"""Neural program lattices: learning programs from few full traces and many that name actions only, as a loss on any demonstrations.

A neural program-inducer calls subprograms, returns and acts. Its full traces are dear; demonstrations of the actions alone are cheap. The
paper sums over all ways in which calls could lie between the actions, in a lattice of actions done by depth of calls, with stacks averaged
where paths meet, and learns from both kinds of traces.

Claimed here, at a laptop's scale: with equal full traces the lattice beats the inducer, comes near one that has full traces of
everything, and beats a sequence-to-sequence model that never sees the environment. Not claimed: that the hierarchy is what helps; a flat
LSTM that sees the environment, which the paper did not try, stands in every table. Source: Li et al. 2017, *Neural Program Lattices*, ICLR.
"""

from __future__ import annotations

from shoestring.systems.program_lattice.addition import Addition
from shoestring.systems.program_lattice.frames import Frames
from shoestring.systems.program_lattice.lattice import ProgramLattice
from shoestring.systems.program_lattice.model import Core, LSTMCore, Step
from shoestring.systems.program_lattice.nanocraft import Nanocraft
from shoestring.systems.program_lattice.nodes import n_nodes
from shoestring.systems.program_lattice.plain import plain_loss
from shoestring.systems.program_lattice.task import POP, PUSH, STAY, Demonstrations, Env, Trace, record

__all__ = [
    "POP",
    "PUSH",
    "STAY",
    "Addition",
    "Core",
    "Demonstrations",
    "Env",
    "Frames",
    "LSTMCore",
    "Nanocraft",
    "ProgramLattice",
    "Step",
    "Trace",
    "n_nodes",
    "plain_loss",
    "record",
]
