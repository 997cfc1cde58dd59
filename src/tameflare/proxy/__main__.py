"""`python -m tameflare.proxy`: the data plane."""

import sys

from tameflare.proxy.main import main

sys.exit(main())
