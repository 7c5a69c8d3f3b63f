"""What is handed to ``steps``: training in slices, each with new objects, is training without a pause, or is refused at the first save."""

from __future__ import annotations

import copy
import enum
from collections import defaultdict, deque, namedtuple

import numpy as np
import pytest

from shoestring.errors import InvalidState
from shoestring.trial import Trial, seeding
from shoestring.trial.events import EventWriter, read
from shoestring.trial.lease import Lease

UNITS = 6
CUTS = [(1, 6), (3, 6), (2, 3, 5, 6)]
Best = namedtuple("Best", "value epoch")


class Phase(enum.IntEnum):
    WARM = 0
    HOT = 1


class OfDict(dict):
    """A dict of the user's own, with an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = 0


def trained(train, cuts, folder):
    """Returns what a function reports when it is paused at the cuts."""
    at, path = 0, folder / "events.jsonl"
    for token, to in enumerate(cuts, 1):
        events = EventWriter(path)
        seeding.seed_all(7)
        train(Trial(Lease(token, 0, {}, 7, at, to, UNITS, "epoch", "loss", folder), events))
        events.close()
        at = to
    return [(event["unit"], event["metrics"]) for event, _ in read(path) if "metrics" in event]


def refusal(train, tmp_path):
    with pytest.raises(InvalidState) as refused:
        trained(train, [3], tmp_path)
    return str(refused.value)


def rebound_array(trial):
    st = {"h": np.zeros(2, int)}
    for _ in trial.steps(st=st):
        st["h"] = st["h"] + 0.5
        trial.report(loss=st["h"].sum())


def alias_of_what_was_replaced(trial):
    first = np.zeros(2)
    st = {"w": first}
    for _ in trial.steps(st=st):
        st["w"] = st["w"] + 1
        trial.report(loss=(st["w"] - first).sum())


def alias_of_what_is_changed(trial):
    w, seen, order = np.zeros(2), set(), deque(maxlen=2)
    st = {"w": w, "seen": seen, "order": order}
    for epoch in trial.steps(st=st):
        w += 1
        seen.add(epoch)
        order.append(epoch)
        trial.report(loss=st["w"].sum() + len(st["seen"]) + sum(st["order"]))


def buffers_that_swap(trial):
    a, b = np.zeros(1), np.ones(1)
    st = {"now": a, "next": b}
    for _ in trial.steps(st=st):
        st["next"][...] = st["now"] * 2 + 1
        st["now"], st["next"] = st["next"], st["now"]
        trial.report(loss=st["now"][0], a=a[0], b=b[0])


def one_list_under_two_names(trial):
    st = {}
    for epoch in trial.steps(st=st):
        if epoch == 0:
            st["a"] = st["b"] = []
        st["a"].append(epoch)
        trial.report(loss=len(st["b"]))


def other_types(trial):
    st = {"best": Best(9.0, 0), "phase": Phase.WARM}
    for epoch in trial.steps(st=st):
        st["best"] = Best(st["best"].value / 2, epoch)
        st["phase"] = Phase.HOT if epoch > 1 else Phase.WARM
        st.setdefault("counts", defaultdict(int))[epoch] += 1
        st.setdefault("last", deque(maxlen=2)).append(np.float32(epoch))
        st.setdefault("seen", set()).add((epoch, 1j))
        kinds = [type(value).__name__ for value in (*st.values(), st["last"][0])]
        trial.report(loss=st["best"].value, phase=st["phase"].value, **{f"{i} {kind}": len(kinds) for i, kind in enumerate(kinds)})


def own_dict(trial):
    st = OfDict()
    for epoch in trial.steps(st=st):
        st[epoch] = epoch
        st.turns += 2
        trial.report(loss=sum(st.values()), turns=st.turns)


def generators_made_while_training(trial):
    st = {}
    for epoch in trial.steps(st=st):
        if epoch == 1:
            st["rng"] = np.random.default_rng(3)
        trial.report(loss=st["rng"].random() if "rng" in st else 0)


def generator_that_spawns(trial):
    rng = np.random.default_rng(3)
    for _ in trial.steps(rng=rng):
        trial.report(loss=rng.spawn(1)[0].random())


def read_only(trial):
    st = {}
    for epoch in trial.steps(st=st):
        if epoch == 0:
            st["w"] = np.zeros((2, 3), order="F")
            st["w"].flags.writeable = False
        trial.report(loss=st["w"].flags.writeable, order=st["w"].flags.f_contiguous)


PLAIN = [value for value in list(globals().values()) if getattr(value, "__code__", None) and value.__code__.co_varnames[:1] == ("trial",)]


@pytest.mark.parametrize("train", PLAIN, ids=lambda train: train.__name__)
def test_plain_data_goes_on_as_if_it_had_not_been_paused(train, tmp_path):
    straight = trained(train, [UNITS], tmp_path / "straight")

    for cuts in CUTS:
        assert repr(trained(train, cuts, tmp_path / str(cuts))) == repr(straight)


def net_of(torch, *layers):
    torch.manual_seed(0)
    net = torch.nn.Sequential(*(layers or (torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))))
    return net, torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)


def fit(torch, net, opt, zero=True):
    x = torch.linspace(-1, 1, 32).reshape(8, 4).to(next(net.parameters()).dtype)
    loss = (net(x) - x.sum(1, keepdim=True)).square().mean()
    if zero:
        opt.zero_grad()
    loss.backward()
    opt.step()
    return loss


def changes(torch):
    """What is done to a net or its optimizer at some unit, besides a step."""
    return {
        "frozen layer": lambda net, opt: net[0].requires_grad_(False),
        "frozen statistics": lambda net, opt: net[1].eval(),
        "dropout": lambda net, opt: setattr(net[2], "p", 0.1),
        "momentum of a norm": lambda net, opt: setattr(net[1], "momentum", 0.5),
        "double": lambda net, opt: net.double(),
        "loose tensor": lambda net, opt: setattr(net[2], "seen", torch.ones(2)),
        "learning rate": lambda net, opt: opt.param_groups[0].update(lr=0.1),
    }


@pytest.mark.parametrize("zero", [True, False], ids=["", "gradients add up"])
@pytest.mark.parametrize(
    "change", ["frozen layer", "frozen statistics", "dropout", "momentum of a norm", "double", "loose tensor", "learning rate"]
)
def test_what_a_state_dict_does_not_hold_survives_a_pause(torch, tmp_path, change, zero):
    def train(trial):
        net, opt = net_of(torch)
        for epoch in trial.steps(opt=opt, net=net):
            if epoch == 2:
                changes(torch)[change](net, opt)
            loss = fit(torch, net, opt, zero)
            trial.report(loss=loss, flags=sum(p.requires_grad for p in net.parameters()), seen=getattr(net[2], "seen", loss).sum())

    straight = trained(train, [UNITS], tmp_path / "straight")

    assert all(repr(trained(train, cuts, tmp_path / str(cuts))) == repr(straight) for cuts in CUTS)


def test_copies_of_a_handed_module_may_be_made_while_training(torch, tmp_path):
    def train(trial):
        (net, opt), ens, best = net_of(torch), [], {"net": None}
        for epoch in trial.steps(net=net, opt=opt, ens=ens, best=best):
            loss = fit(torch, net, opt)
            ens.append(copy.deepcopy(net).eval())
            best["net"] = ens[-1] if epoch % 2 else best["net"]
            x = torch.ones(2, 4)
            trial.report(loss=loss, ens=sum(member(x).sum() for member in ens).item(), same=best["net"] in ens)

    straight = trained(train, [UNITS], tmp_path / "straight")

    assert all(repr(trained(train, cuts, tmp_path / str(cuts))) == repr(straight) for cuts in CUTS)


def test_a_view_is_saved_without_the_tensor_that_it_looks_into(torch, tmp_path):
    def train(trial):
        large, st = torch.zeros(1_000_000), {}
        for epoch in trial.steps(st=st):
            st["last"] = large[epoch : epoch + 1]
            trial.report(loss=epoch)

    trained(train, [3], tmp_path)

    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 100_000


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("group", r"opt \(SGD\) was built differently .*: parameter group 1 was added"),
        ("layer", r"net \(Sequential\) was built differently .*: 4 was added"),
        ("other layer", r"net \(Sequential\) was built differently .*: 3.weight was changed"),
        ("tie", r"net \(Sequential\) was built differently .*: 3.weight was changed"),
        ("optimizer", r"st\['x'\] is a 'Adam', which cannot be saved. It was made while training"),
        ("other module", r"st\['x'\] is a 'Linear', which cannot be saved. It was made while training"),
        ("alias", r"st\['x'\]\['.*'\] shares its memory with net\['.*'\]"),
        ("graph", r"st\['x'\] is part of a computation graph, which cannot be saved. Store st\['x'\].detach\(\)"),
        ("circle", r"st\['x'\]\[0\] contains itself"),
        ("object", r"st\['x'\] is a 'object', which cannot be saved"),
        ("view", r"st\['x'\]\[1\] shares its memory with st\['x'\]\[0\]"),
        ("dict", r"st\['x'\] is a 'OfDict', which cannot be saved. Store it as a plain dict"),
    ],
)
def test_what_no_resume_could_restore_is_refused_by_name_at_the_first_save(torch, tmp_path, name, message):
    def made(net, opt, loss):
        circle, numbers = [], np.zeros(3)
        circle.append(circle)
        return {
            "group": lambda: opt.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))]}),
            "layer": lambda: net.append(torch.nn.ReLU()),
            "other layer": lambda: net.__setitem__(3, torch.nn.Linear(8, 2)),
            "tie": lambda: setattr(net[3], "weight", torch.nn.Parameter(net[0].weight[:, :1].detach().T)),
            "optimizer": lambda: torch.optim.Adam(net.parameters()),
            "other module": lambda: torch.nn.Linear(2, 2),
            "alias": net.state_dict,
            "graph": lambda: loss * 1,
            "circle": lambda: circle,
            "object": object,
            "view": lambda: [numbers, numbers[1:]],
            "dict": OfDict,
        }[name]()

    def train(trial):
        (net, opt), st = net_of(torch), {}
        for _ in trial.steps(net=net, opt=opt, st=st):
            loss = fit(torch, net, opt)
            st["x"] = made(net, opt, loss)
            trial.report(loss=loss)

    with pytest.raises(InvalidState, match=message):
        trained(train, [1], tmp_path)


def test_tied_weights_stay_tied(torch, tmp_path):
    def train(trial):
        net, opt = net_of(torch, torch.nn.Linear(4, 4), torch.nn.Linear(4, 4), torch.nn.Linear(4, 1))
        net[1].weight = net[0].weight
        for _ in trial.steps(net=net, opt=opt):
            trial.report(loss=fit(torch, net, opt), tied=net[1].weight is net[0].weight)

    assert trained(train, [2, 4, UNITS], tmp_path / "cut") == trained(train, [UNITS], tmp_path / "straight")


def test_another_dtype_is_refused_with_both(tmp_path):
    def train(trial):
        w = np.zeros(2, float if trial._lease.start == 0 else int)
        for _ in trial.steps(w=w):
            trial.report(loss=1)

    with pytest.raises(InvalidState, match="w has dtype int64, but its checkpoint has float64"):
        trained(train, [3, 6], tmp_path)


class Stubborn:
    """Refuses to give or to take its state."""

    def __init__(self, gives: bool) -> None:
        self.gives = gives

    def state_dict(self):
        if not self.gives:
            raise ValueError("not now")
        return {}

    def load_state_dict(self, state):
        raise KeyError("n")


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        (False, r"own cannot be saved: Stubborn.state_dict\(\) raised ValueError: not now"),
        (True, r"own cannot be restored: Stubborn.load_state_dict\(\) raised KeyError: 'n'. Build it"),
    ],
)
def test_what_the_users_own_methods_raise_names_the_object(tmp_path, gives, message):
    def train(trial):
        for _ in trial.steps(own=Stubborn(gives)):
            trial.report(loss=1)

    with pytest.raises(InvalidState, match=message):
        trained(train, [3, 6], tmp_path)
