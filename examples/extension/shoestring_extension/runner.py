"""A runner that tells each lease to stderr before the process runner carries it out."""

from __future__ import annotations

import sys
from typing import Any

from shoestring.runners import make_runner
from shoestring.runners.protocol import Post
from shoestring.trial.lease import Lease


class Logged:
    """The process runner, with a line for each lease. What is not said here is as it is there."""

    def __init__(self, post: Post) -> None:
        self._process = make_runner("process", post)

    def start(self, lease: Lease) -> None:
        """Starts a lease."""
        print(f"lease {lease.token}: trial {lease.trial_id}, units {lease.start} to {lease.to}", file=sys.stderr)
        self._process.start(lease)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._process, name)
