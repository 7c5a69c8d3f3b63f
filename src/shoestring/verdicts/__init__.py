"""Claims: checked like any question, each with a control and a verdict."""
