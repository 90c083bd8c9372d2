"""`python tests/kinds` writes docs/kinds.md and its pictures; `make kinds` calls it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from kinds.page import write

write()
