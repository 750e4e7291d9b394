"""``python -m ccpor_server.cli``"""

from ccpor_server.cli import main

main()
