"""What stands behind the checks: the drill that they share, how they fail, and what is made of their results."""
