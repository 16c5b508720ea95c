"""Sandboxes in containers, of whatever engine: what an engine's images need is a `recipe.Recipe`."""
