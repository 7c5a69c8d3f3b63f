#!/bin/sh
# A launcher, as `conda run` and `torchrun` are: the trainer is a child of this shell, which has something left to do when it ends.
"$1" -S "$(dirname "$0")/siege_target.py" "$2" "$3"
status=$?
echo "the trainer ended with $status"
exit $status
