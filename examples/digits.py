"""A small network on scikit-learn's handwritten digits (1,797 real images), ready for search: one unit is one epoch.

shoestring search examples/digits.py:train lr=log:1e-3:1 width=int:log:8:128 --metric accuracy --goal max --budget 30s --horizon 27
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

BATCH_SIZE = 32

_digits = load_digits()  # at the top of the module: the server loads it once, and every trial inherits it
_order = torch.randperm(len(_digits.target), generator=torch.Generator().manual_seed(0))
X = torch.tensor(_digits.data, dtype=torch.float32)[_order] / 16
Y = torch.tensor(_digits.target)[_order]
X_TRAIN, Y_TRAIN, X_VALID, Y_VALID = X[:1200], Y[:1200], X[1200:], Y[1200:]


def train(trial):
    width = trial.config.get("width", 32)
    net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
    opt = torch.optim.SGD(net.parameters(), lr=trial.config.get("lr", 0.1), momentum=trial.config.get("momentum", 0.0))
    for _ in trial.steps(net=net, opt=opt):
        net.train()
        for batch in torch.randperm(len(X_TRAIN)).split(BATCH_SIZE):
            opt.zero_grad()
            nn.functional.cross_entropy(net(X_TRAIN[batch]), Y_TRAIN[batch]).backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            logits = net(X_VALID)
        trial.report(
            loss=nn.functional.cross_entropy(logits, Y_VALID),
            accuracy=(logits.argmax(1) == Y_VALID).float().mean(),
        )
