"""Help in groups: options under the heading that each was given, in the order in which the headings first come."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand


class Grouped(TyperCommand):
    """A command whose help lists its options group by group; the heading of an option is its ``rich_help_panel``."""

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # typer's own class is not public
        """Writes the options into the help."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                heading = "Arguments" if parameter.param_type_name == "argument" else getattr(parameter, "rich_help_panel", None)
                groups.setdefault(heading or "Options", []).append(record)
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)
