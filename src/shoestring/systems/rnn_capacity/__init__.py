"""Capacity and trainability in recurrent neural networks: cells with one interface, and the bits a parameter that any model can store.

The paper trained RNN, IRNN, UGRNN, GRU, LSTM and its own intersection RNN (+RNN) under a large hyperparameter search, and found that all
store about as many bits for each parameter and remember about as many numbers for each unit. What sets gated cells apart is that they are
easier to train; the +RNN is easiest in deep stacks.

Claimed here, at a laptop's scale: capacity linear in parameters and nearly equal across cells, ReLU below tanh, input memory set by the
width alone, and gated cells easier to train. Not claimed: the paper's 5 bits a parameter, which take far more compute; what is reported
is a lower bound at a stated compute. Source: Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913.
"""

from __future__ import annotations

from shoestring.systems.rnn_capacity.cells import CELLS, GRU, LSTM, RNN, UGRNN, Cell, PlusRNN, make_cell
from shoestring.systems.rnn_capacity.ensemble import Adam, Ensemble
from shoestring.systems.rnn_capacity.model import Recurrent, n_params, params_for_budget
from shoestring.systems.rnn_capacity.probe import Point, Probe, capacity_probe
from shoestring.systems.rnn_capacity.scan import scan
from shoestring.systems.rnn_capacity.task import Parentheses, random_bits, stored_bits

__all__ = [
    "CELLS",
    "GRU",
    "LSTM",
    "RNN",
    "UGRNN",
    "Adam",
    "Cell",
    "Ensemble",
    "Parentheses",
    "PlusRNN",
    "Point",
    "Probe",
    "Recurrent",
    "capacity_probe",
    "make_cell",
    "n_params",
    "params_for_budget",
    "random_bits",
    "scan",
    "stored_bits",
]
