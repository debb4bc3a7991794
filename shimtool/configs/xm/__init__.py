"""Guest configs of Xen's old toolstack, xm with xend: Python 2 code, read but never run.

bytes --is_xm--> bool        bytes --translate--> the same config in xl's syntax, line for line
"""

from shimtool.configs.xm.detect import is_xm
from shimtool.configs.xm.translate import translate

__all__ = ["is_xm", "translate"]
