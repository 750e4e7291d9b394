"""Pure part of ccpor-check: nouns, judgement, causes, verdict, checklist, renderers, envelope.

Nothing here opens a socket or a file of the user's, and nothing reads a clock: time is an argument.
"""

__version__ = "0.1.0"
