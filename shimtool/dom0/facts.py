"""What is known of the dom0 that will run the guests, and what follows from it.

Facts come from the hypervisor or --xen (detect.py) and from releases.yaml (releases.py).
"""

from shimtool.dom0.releases import Fact, edges, of_branch, release_of
from shimtool.model import Host, Mode


def has(host: Host, fact: Fact) -> bool | None:
    """Whether this Xen has something; None when that is not certain.

    It is not certain when the version is unknown, or when only "4.9" is known and its point
    releases differ.
    """
    if host.xen is None:
        return None
    answers = {profile.facts[fact].true for profile in of_branch(host.xen)}
    return answers.pop() if len(answers) == 1 else None


def sources(host: Host) -> dict[Fact, str]:
    """Return, by fact, how it is known of the first release that may be the host's."""
    if host.xen is None:
        return {}
    facts = release_of(host.xen).facts
    return {fact: facts[fact].source for fact in Fact}


def release_name(host: Host) -> str:
    """Name the release whose facts are used, and why it is another than the host's."""
    if host.xen is None:
        return "none: written so that every xl from 4.4 on reads it"
    oldest, newest = edges()
    name, branch = release_of(host.xen).name, host.xen[:2]
    if branch < oldest:
        return f"{name} (older Xen was not looked at)"
    if branch > newest:
        return f"{name} (newer Xen is taken for it)"
    more = "" if len(of_branch(host.xen)) == 1 else " (what its point releases differ in is open)"
    return f"{name}{more}"


def too_old(host: Host) -> bool:
    """Whether this Xen is older than all that releases.yaml describes."""
    return host.xen is not None and host.xen[:2] < edges()[0]


def reads(host: Host, key: str) -> bool | None:
    """Whether this xl looks the key up in a guest's config; None when that is not certain."""
    if host.xen is None:
        return None
    answers = {key in profile.keys for profile in of_branch(host.xen)}
    return answers.pop() if len(answers) == 1 else None


def knows_type_key(host: Host) -> bool | None:
    """Whether xl reads type= (4.10.0 on; None: host unknown)."""
    return has(host, Fact.TYPE_KEY)


def can_pvshim(host: Host) -> bool:
    """Whether xl reads pvshim= (4.10.1 on). Plain "4.10" counts as 4.10.0."""
    return has(host, Fact.PVSHIM) is True


def auto_mode(host: Host) -> Mode:
    """PVH from Xen 4.10.1 on, else HVM."""
    return Mode.PVH if can_pvshim(host) else Mode.HVM


def chosen_mode(host: Host, wanted: Mode | None) -> Mode:
    """Return the mode asked for, else the best this host can do."""
    return wanted or auto_mode(host)


def may_move_memory(host: Host) -> bool:
    """Whether shims were seen to start on this Xen where the pre-stage moved memory (4.14 on)."""
    return has(host, Fact.MOVED_MEMORY) is True


def lists_all_processors(host: Host) -> bool:
    """Whether hvmloader may list 128 processors whatever vcpus= says (before 4.8)."""
    return has(host, Fact.EXACT_CPUS) is not True
