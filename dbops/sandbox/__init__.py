"""Throw-away servers, behind the port of `base`."""
