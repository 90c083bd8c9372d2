"""Why is a cause not named? The reason, as a sentence, for cases that a run misses: docs/walks.md has it."""

MISSES: dict[str, str] = {}
