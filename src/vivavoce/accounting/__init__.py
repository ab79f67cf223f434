"""`viva keys`, `viva usage` and `viva prices` on a terminal"""
