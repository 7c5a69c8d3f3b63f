"""A two-layer network on Fashion-MNIST; one unit is one pass over 20,000 training images.

    shoestring search examples/fashion_mnist.py:train lr=log:1e-3:1 --metric accuracy --goal max --budget 2m --horizon 9

The data set is looked for in SHOESTRING_DATA and in the user's cache. Accuracy is on 5,000 images held out of the
training set.
"""

import torch
from torch import nn

from shoestring import datasets

BATCH_SIZE = 128

_images, _labels = datasets.fashion_mnist()
_order = torch.randperm(len(_labels), generator=torch.Generator().manual_seed(0))[:25_000]
X = torch.tensor(_images).reshape(-1, 784)[_order].float() / 255
Y = torch.tensor(_labels).long()[_order]
X_TRAIN, Y_TRAIN, X_VALID, Y_VALID = X[:20_000], Y[:20_000], X[20_000:], Y[20_000:]


def train(trial):
    width = trial.config.get("width", 64)
    net = nn.Sequential(nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10)).to(trial.device)
    opt = torch.optim.SGD(net.parameters(), lr=trial.config.get("lr", 0.1), momentum=trial.config.get("momentum", 0.0))
    x_train, y_train, x_valid, y_valid = (tensor.to(trial.device) for tensor in (X_TRAIN, Y_TRAIN, X_VALID, Y_VALID))
    for _ in trial.steps(net=net, opt=opt):
        for batch in torch.randperm(len(x_train)).to(trial.device).split(BATCH_SIZE):
            opt.zero_grad()
            nn.functional.cross_entropy(net(x_train[batch]), y_train[batch]).backward()
            opt.step()
        with torch.no_grad():
            logits = net(x_valid)
        trial.report(loss=nn.functional.cross_entropy(logits, y_valid), accuracy=(logits.argmax(1) == y_valid).float().mean())
