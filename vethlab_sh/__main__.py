"""`python -m vethlab_sh`"""

import sys

from .cli import main

sys.exit(main())
