"""Learning systems from the literature: each a component to use in one's own work, with the claims of its paper."""
