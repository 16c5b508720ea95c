"""The use cases: what each task does, from its first look to its report. They know ports, and no adapter."""
