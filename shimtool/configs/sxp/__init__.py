"""What xend kept of a guest, in SXP: `xm list -l GUEST`, /var/lib/xend/domains/UUID/config.sxp.

bytes --is_domain--> bool     bytes --translate--> the same guest in xl's syntax, line for line
VOCABULARY: the words of messages about it

reader     bytes -> nested lists of words, with lines
devices    (device ...) -> entries of disk=, vif= and the like
translate  a (domain ...) -> xl's keys
keys       what xl's keys are called in SXP
"""

from shimtool.configs.sxp.keys import VOCABULARY
from shimtool.configs.sxp.reader import is_domain
from shimtool.configs.sxp.translate import translate

__all__ = ["VOCABULARY", "is_domain", "translate"]
