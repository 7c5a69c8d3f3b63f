"""Rows of a store, as tests put them in."""

TRIAL = {
    "id": 0,
    "config": "{}",
    "seed": 1,
    "arm": "",
    "purpose": "useful",
    "state": "running",
    "target": 1,
    "checkpoint": 0,
    "offset": 0,
    "losses": 0,
    "error": None,
}
