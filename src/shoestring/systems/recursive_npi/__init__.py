"""Recursive programs learnt from a few traces, and proved right: the neural programmer-interpreter with recursion, and its certificates.

The paper trains the neural programmer-interpreter on traces of recursive programs. A frame then sees only finitely many sequences of
observations, so that checking all of them proves the model right on problems of every size. Claimed here, at a laptop's scale: that such
proofs exist for addition, bubble sort, topological sort and quicksort; that models of the same programs with loops collapse on long
problems; and that the set of frames is finite only with recursion. Not claimed: that a reference program is itself right, or that
recursion is discovered; it is in the traces. Source: Cai, Shin and Song 2017, arXiv:1704.06611; Reed and de Freitas 2016, arXiv:1511.06279.
"""

from __future__ import annotations

from shoestring.systems.recursive_npi.addition import Addition
from shoestring.systems.recursive_npi.bubble_sort import BubbleSort
from shoestring.systems.recursive_npi.certificate import recheck, write
from shoestring.systems.recursive_npi.closure import closure, frames, saturated
from shoestring.systems.recursive_npi.deriving import derive
from shoestring.systems.recursive_npi.fitting import fit
from shoestring.systems.recursive_npi.machine import Run
from shoestring.systems.recursive_npi.model import NPI
from shoestring.systems.recursive_npi.quicksort import Quicksort
from shoestring.systems.recursive_npi.refinement import Fitted, fit_until_verified, trace
from shoestring.systems.recursive_npi.running import run, table
from shoestring.systems.recursive_npi.soundness import Checked, check_abstraction
from shoestring.systems.recursive_npi.task import Abstraction, Step, Task, call, last
from shoestring.systems.recursive_npi.topological_sort import TopologicalSort
from shoestring.systems.recursive_npi.tree import Frame, Frames
from shoestring.systems.recursive_npi.verification import Certificate, Counterexample, verify

__all__ = [
    "NPI",
    "Abstraction",
    "Addition",
    "BubbleSort",
    "Certificate",
    "Checked",
    "Counterexample",
    "Fitted",
    "Frame",
    "Frames",
    "Quicksort",
    "Run",
    "Step",
    "Task",
    "TopologicalSort",
    "call",
    "check_abstraction",
    "closure",
    "derive",
    "fit",
    "fit_until_verified",
    "frames",
    "last",
    "recheck",
    "run",
    "saturated",
    "table",
    "trace",
    "verify",
    "write",
]
