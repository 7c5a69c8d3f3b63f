"""The doctor looks at everything that trials rest on, quickly, and disturbs nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from shoestring import doctor
from shoestring.doctor import Finding, examine
from shoestring.store.store import Store

NAMES = {
    "python",
    "processor",
    "gpu",
    "energy",
    "disk",
    "file system",
    "fsync",
    "database",
    "packages",
    "processes",
    "limits",
    "settings",
    "data sets",
    "runs",
}
LOOK = """
import json, sys
from pathlib import Path
from shoestring.doctor import examine
examine(Path("runs"))
print(json.dumps(["torch" in sys.modules, "sqlalchemy" in sys.modules]))
"""


def found(runs: Path, name: str) -> Finding:
    return next(finding for finding in examine(runs) if finding.name == name)


def test_everything_is_looked_at_even_before_the_first_run(tmp_path: Path) -> None:
    findings = examine(tmp_path / "not" / "yet")
    assert {finding.name for finding in findings} >= NAMES
    assert {finding.state for finding in findings} <= {"ok", "note", "problem"}
    assert not (tmp_path / "not").exists()
    assert json.loads(json.dumps([finding.to_json() for finding in findings]))


def test_a_look_needs_neither_torch_nor_sqlalchemy(tmp_path: Path) -> None:
    said = subprocess.run([sys.executable, "-c", LOOK], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    torch_is_imported, sqlalchemy_is_imported = json.loads(said)
    assert not torch_is_imported
    assert not sqlalchemy_is_imported


def test_a_run_that_is_worked_on_is_told_with_its_process(tmp_path: Path) -> None:
    store = Store.create_or_open(tmp_path / "busy")
    try:
        assert found(tmp_path, "run").text == f"busy is being worked on by process {os.getpid()}"
        assert "1 being worked on, 0 unfinished" in found(tmp_path, "runs").text
    finally:
        store.close()


def test_a_run_without_an_answer_is_unfinished_and_one_with_it_is_not(tmp_path: Path) -> None:
    for name in ("open", "done"):
        store = Store.create_or_open(tmp_path / name)
        if name == "done":
            store.note("ended", {})
        store.commit()
        store.close()
    finding = found(tmp_path, "runs")
    assert finding.state == "note"
    assert "2 in" in finding.text
    assert "1 unfinished: open." in finding.text


def test_a_network_file_system_is_noted_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = [SimpleNamespace(mountpoint="/", fstype="ext4"), SimpleNamespace(mountpoint=str(tmp_path.resolve()), fstype="nfs4")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    finding = found(tmp_path, "file system")
    assert finding.state == "note"
    assert "nfs4" in finding.text
    assert "SHOESTRING_RUNS" in finding.text


def test_data_sets_are_found_where_the_setting_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mnist").mkdir()
    monkeypatch.setenv("SHOESTRING_DATA", str(tmp_path))
    assert "mnist" in found(tmp_path, "data sets").text
    assert found(tmp_path, "settings").state == "ok"


def test_a_setting_that_names_no_folder_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOESTRING_DATA", str(tmp_path / "nowhere"))
    assert found(tmp_path, "settings").state == "problem"


def test_a_gpu_is_shown_with_its_memory_and_who_else_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.gpus, "visible", lambda: [doctor.gpus.Gpu(0, "H100", 70 << 30, 80 << 30)])
    monkeypatch.setattr(doctor.gpus, "processes", lambda index: [17])
    finding = found(tmp_path, "gpu")
    assert (finding.state, finding.text) == ("note", "0: H100, 70.0 GiB of 80.0 GiB free; in use by process 17")


def test_a_finding_reads_as_one_line() -> None:
    assert str(Finding("disk", "ok", "9.0 GiB free")) == "ok      disk          9.0 GiB free"
