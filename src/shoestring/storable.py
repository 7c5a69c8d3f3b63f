"""Text from outside (error messages, notes) as a store can hold it: Unicode, without NUL bytes, and of a bounded length."""

from __future__ import annotations

MOST = 10_000  # characters of a message


def storable(text: str, most: int = MOST) -> str:
    """Returns a text with what no store holds written as escapes; of a longer one the beginning, the end, and how long it was."""
    if len(text) > most:
        text = f"{text[: most // 2]} [... {len(text):,} characters ...] {text[-most // 2 :]}"
    if text.isascii() and "\0" not in text:
        return text
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def message_of(error: BaseException) -> str:
    """Returns what an exception says; one that cannot say it gives the reason instead."""
    try:
        return storable(str(error))
    except Exception as failure:  # the exception is the user's, and so is its __str__
        return f"(its message cannot be shown: __str__ raised {type(failure).__name__})"
