"""What the host's Xen means for a shim: refusals, warnings, and the shim's own command line."""

from shimtool.dom0 import facts
from shimtool.dom0.detect import version_name
from shimtool.errors import Fault, Location
from shimtool.model import Guest, Host, Mode, Settings, Shim
from shimtool.shims.kinds import kind_of, lists_phantom_cpus, loses_events, versions_for

_VIXEN = "a shim of the Vixen kind (said to work there, untried; see: shimtool shims add --help)"


def host_faults(
    guest: Guest, host: Host, shim: Shim, mode: Mode, settings: Settings
) -> list[Fault]:
    """List the reasons that lie in the host, or in what this shim needs of it."""
    found = []
    if host.hvm is False:
        found.append(
            Fault(
                "this host cannot run HVM or PVH guests: no VT-x/SVM in its capabilities",
                Location(host.source),
                remedy="enable VT-x/SVM in the firmware; else keep the guest PV, with XPTI in Xen"
                " (XSA-254): 4.7.5, 4.8.4, 4.9.2, 4.10.1 or later, or a 4.6 with its branch's"
                " patches",
            )
        )
    if mode is Mode.PVH and host.xen is not None and not facts.can_pvshim(host):
        found.append(
            Fault(
                f"{guest.words.pvh_shims} from Xen 4.10.1 on",
                Location(host.source),
                version_name(host),
                "update Xen to 4.10.1 or later, or use --mode hvm",
            )
        )
    return found if settings.force else [*found, *_overridable_faults(host, shim, mode)]


def _overridable_faults(host: Host, shim: Shim, mode: Mode) -> list[Fault]:
    """List the reasons that --force overrides."""
    where, version, found = Location(host.source), version_name(host), []
    if facts.too_old(host):
        found.append(
            Fault(
                "Xen older than 4.4 was not looked at by shimtool's makers",
                where,
                version,
                "update Xen, or try with --force (xl came with 4.1): it is taken for 4.4",
            )
        )
    if loses_events(shim, host, mode):
        found.append(
            Fault(
                "a shim of the kind pvshim hangs in HVM on this Xen: it lacks the fix for lost"
                " events",
                where,
                version,
                f"update Xen to 4.7.5, 4.8.3, 4.9.2, 4.10.1 or later, or add {_VIXEN},"
                " or try with --force",
            )
        )
    if lists_phantom_cpus(shim, host, mode):
        found.append(
            Fault(
                f"this Xen lists 128 processors to every guest, and shim {shim.name} is not known"
                " to obey maxcpus=: the guest's kernel stops at those that do not run",
                where,
                version,
                f"take a shim of Xen {' or '.join(versions_for(shim.kind, host))} with --shim,"
                " or update Xen to 4.8.3 or later, or try with --force",
            )
        )
    return found


def host_warnings(host: Host, shim: Shim, mode: Mode) -> list[str]:
    """List what the admin should know of this shim on this host."""
    found = list(kind_of(shim).caveats)
    if loses_events(shim, host, mode) is None:
        found.append(
            "host not known well enough: on Xen before 4.7.5, 4.8.3, 4.9.2 or 4.10.1 the guest"
            " hangs (say --xen VERSION)"
        )
    return found


def shim_args(guest: Guest, host: Host, shim: Shim, settings: Settings) -> str:
    """Return the shim's own command line; maxcpus= is always on it.

    The shim gives its guest every vCPU that ACPI lists, and hvmloader before 4.8 lists 128;
    mce=0 keeps a shim there, on Intel, from counting processors that it does not start.
    """
    given = settings.shim_args
    words = (kind_of(shim).arguments if given is None else given).split()
    if not any(word.startswith("maxcpus=") for word in words):
        words.append(f"maxcpus={guest.vcpus}")
    if facts.lists_all_processors(host) and not any(word.startswith("mce=") for word in words):
        words.append("mce=0")
    return " ".join(words)


def console_port(shim: Shim) -> str | None:
    """Return what serial= must be, if the guest's console is the shim's serial port."""
    return "pty" if kind_of(shim).serial else None
