"""Runners carry out leases. What is promised to the engine is the same for all: ``protocol.Runner``.

========  ==============================================================  =====================================
name      how a trial runs                                                stopped from outside
========  ==============================================================  =====================================
inline    in this process, one after the other; a debugger stops in it    between units, and in Python code
process   one child process a trial, forked from a warm server            always: its whole process group is killed
replay    a table of learning curves on a virtual clock                   always
========  ==============================================================  =====================================

A runner of your own is a class or function of a ``protocol.Post``; ``shoestring.testing.RUNNER_CHECKS`` hold it to what is promised.
"""

from __future__ import annotations

from shoestring.members import Members
from shoestring.runners.protocol import Post, Runner

MEMBERS: Members[Runner] = Members(
    "runner",
    {
        "inline": "shoestring.runners.inline:inline",
        "process": "shoestring.runners.process:process",
        "replay": "shoestring.runners.replay:replay",
    },
)
RUNNERS = MEMBERS.names
REPLAY = "replay"  # its clock is its own: no second of it passes while a study begins


def make_runner(name: str, post: Post) -> Runner:
    """Returns a new runner.

    Args:
        name: one of ``RUNNERS``, of an installed package, or ``module:Name`` of your own: a class or function of a ``Post``.
    Raises:
        UnknownName: there is no runner of that name.
        InvalidTarget, UsageError: it cannot run what the post names, or what is named makes no runner.
    """
    return MEMBERS.make(name, post, verbs=("now", "start", "poll", "usage", "stop", "process", "recover", "close"))
