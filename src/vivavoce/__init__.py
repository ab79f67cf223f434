"""Viva Voce: speak to it, and it speaks back.

Importing this package loads no engine library; see `vivavoce.turn` for the one flow everything stands on.
"""

__version__ = "0.1.0"
