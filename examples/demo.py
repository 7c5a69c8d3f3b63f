"""What `make demo` searches: Fashion-MNIST where it is found on this machine, otherwise the digits that scikit-learn brings."""

import sys

from shoestring import datasets

if datasets.find("fashion-mnist"):
    from fashion_mnist import train
else:
    from digits import train

print(f"data: {sys.modules[train.__module__].__doc__.split(';')[0].split(',')[0]}", file=sys.stderr)
