"""Spaces: parameters with their conditions, how they are written, and how other tools write them.

==========  ==========================================================
parameter   one parameter: range, scale, choices, condition
space       parameters by name, with the conditions among them
text        the language of the command line: ``lr=log:1e-4:1@0.1``
convert     spaces and distributions of Optuna and ConfigSpace
==========  ==========================================================
"""

from __future__ import annotations

from shoestring.space.parameter import Choice, Float, Int, Parameter, When
from shoestring.space.space import Space

__all__ = ["Choice", "Float", "Int", "Parameter", "Space", "When"]
