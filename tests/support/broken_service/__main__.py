"""`python -m tests.support.broken_service`."""

import sys

sys.exit("this service is out of order")
