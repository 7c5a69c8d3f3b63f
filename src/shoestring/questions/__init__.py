"""Questions say what is asked; each makes a strategy that has a scheduler's two verbs and can say what it has found."""
