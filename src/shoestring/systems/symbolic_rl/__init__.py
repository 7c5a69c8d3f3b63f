"""Deep symbolic reinforcement learning: objects found in frames without labels, followed, and acted on by rules that can be read.

Garnelo, Arulkumaran and Shanahan 2016 (arXiv:1609.05518) put objects and their relative positions in the place of data: an autoencoder
finds typed objects, a tracker follows them, and a table of action values for each type is learnt in a simple game, where a deep Q-network
stays at chance. Claimed here, at the scale of minutes: that it beats a Q-network on the whole field, that what is learnt on a grid serves
on random places, and how well objects are found; and the qualification that the same network on a crop around the agent does at
least as well. Not claimed: that it scales to games with other physics.
"""

from shoestring.systems.symbolic_rl.extraction import ObjectExtractor
from shoestring.systems.symbolic_rl.game import GridGame
from shoestring.systems.symbolic_rl.learning import Episode, learn
from shoestring.systems.symbolic_rl.model import RelationalQ, Relations, moving
from shoestring.systems.symbolic_rl.rules import Rule, explain, rules
from shoestring.systems.symbolic_rl.scene import Objects, Scene
from shoestring.systems.symbolic_rl.task import ACTIONS, VARIANTS, Games, State
from shoestring.systems.symbolic_rl.tracking import Tracker
from shoestring.systems.symbolic_rl.training import Config, train, train_transfer

__all__ = [
    "ACTIONS",
    "VARIANTS",
    "Config",
    "Episode",
    "Games",
    "GridGame",
    "ObjectExtractor",
    "Objects",
    "RelationalQ",
    "Relations",
    "Rule",
    "Scene",
    "State",
    "Tracker",
    "explain",
    "learn",
    "moving",
    "rules",
    "train",
    "train_transfer",
]
