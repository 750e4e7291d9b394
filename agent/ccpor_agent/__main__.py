"""``python -m ccpor_agent`` is ``ccpor-check``."""

from ccpor_agent.cli import main

if __name__ == "__main__":
    main()
