"""What xend kept of a guest, in SXP: `xm list -l GUEST`, /var/lib/xend/domains/UUID/config.sxp.

bytes --is_domain--> bool     bytes --translate--> the same guest in xl's syntax, line for line

reader     bytes -> nested lists of words, with lines
devices    (device ...) -> entries of disk=, vif= and the like
translate  a (domain ...) -> xl's keys
"""

from shimtool.configs.sxp.reader import is_domain
from shimtool.configs.sxp.translate import translate

__all__ = ["is_domain", "translate"]
