"""Guest configs of Xen's old toolstack, xm with xend: Python 2 code, read but never run.

bytes --is_xm--> bool        bytes --translate--> the same config in xl's syntax, line for line

translate    source (tree-sitter) -> interpreter -> assignments -> text for xl
interpreter  statements in order, with evaluator (expressions), calls, scope (the variables)
evaluator    operations, formatting, literals: Python 2's, bounded by the budget in values
assignments  what the statements come to: keys (xm's and xl's names), settings, command_line
"""

from shimtool.configs.xm.detect import is_xm
from shimtool.configs.xm.translate import translate

__all__ = ["is_xm", "translate"]
