"""`python -m vethlab_sh`"""

import signal
import sys

from .cli import main

until_now = signal.getsignal(signal.SIGINT)
if until_now is signal.SIG_DFL:  # see __init__.py; from here on Ctrl-C is told of in a sentence
    signal.signal(signal.SIGINT, signal.default_int_handler)
code = main()
signal.signal(signal.SIGINT, until_now)
sys.exit(code)
