"""Telling others what became of a run: hooks, webhooks, Apprise, pings, metrics."""
