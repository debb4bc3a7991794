"""`make bench`: what shimtool costs, as ratios against what admins had before, in one run.

one_guest, hosts, boots -> Section (table + bars) -> build/bench/speed.md, speed.png
"""
