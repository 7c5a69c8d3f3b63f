"""The files of a run: nothing outside of its folder is written, nothing is written by halves, and errors are named."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from shoestring.errors import StoreCorrupt
from shoestring.machine import files

MAKES = {
    "link": lambda path: path.symlink_to(path.with_name("outside")),
    "fifo": os.mkfifo,
    "folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("kind", MAKES)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_RDWR | os.O_CREAT])
def test_only_a_plain_file_is_opened(tmp_path, kind, flags):
    (tmp_path / "outside").write_text("untouched")
    MAKES[kind](tmp_path / "lock")

    with pytest.raises(StoreCorrupt, match=r"lock must be a plain file"):
        files.open_own(tmp_path / "lock", flags)

    assert (tmp_path / "outside").read_text() == "untouched"


@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_what_was_there_is_replaced_and_never_followed(tmp_path, kind):
    (tmp_path / "outside").write_text("untouched")
    MAKES[kind](tmp_path / "report.md")

    files.replace(tmp_path / "report.md", "new\udcff", durable=True)

    assert stat.S_ISREG((tmp_path / "report.md").lstat().st_mode)
    assert (tmp_path / "report.md").read_text() == "new\\udcff"
    assert (tmp_path / "outside").read_text() == "untouched"
    assert {path.name for path in tmp_path.iterdir()} == {"report.md", "outside"}


def test_a_folder_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "figures").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StoreCorrupt, match="figures must be a folder"):
        files.own_folder(tmp_path / "figures")


def test_what_cannot_be_written_whole_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "report.md").write_text("old")

    def full(_file, _data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        files.replace(tmp_path / "report.md", "new")

    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
    assert (tmp_path / "report.md").read_text() == "old"


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "Free some space"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EMFILE, "Have the training code close its files, or raise"),
        (errno.EROFS, "Make the file system writable"),
        (errno.EBADF, "close only what was opened there"),
        (errno.EIO, "Check the disk"),
        (errno.ESTALE, "Check the disk"),
    ],
)
def test_an_error_is_named_as_what_it_is(number, says):
    message = str(files.unwritable("runs/a/log.txt", OSError(number, os.strerror(number))))

    assert message.startswith(f"runs/a/log.txt could not be written ({os.strerror(number)}). ")
    assert says in message
    assert message.endswith(", then run the same command again.")
