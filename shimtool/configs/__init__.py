"""Guests' configs: which files they are, and what each of the three syntaxes says of a guest.

find --recognize--> paths --parse--> XlConfig | LibvirtConfig --guest()--> model.Guest
"""
