"""What the host's Xen means for a shim: refusals, warnings, and the shim's own command line."""

from shimtool.dom0 import facts
from shimtool.dom0.detect import version_name
from shimtool.errors import Fault, Location
from shimtool.model import Guest, Host, Mode, PreStage, Settings, Shim
from shimtool.plan.command_line import Carrier
from shimtool.shims.kinds import event_vector, kind_of, loses_events, versions_for


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
                f"shim {shim.name} hangs in HVM on this Xen, which lacks the fix for lost events,"
                " and how to start it there is not known of its version",
                where,
                version,
                f"take a shim of Xen {' or '.join(versions_for(shim.kind, host))} with --shim,"
                " or update Xen to 4.7.5, 4.8.3, 4.9.2, 4.10.1 or later, or try with --force",
            )
        )
    return found


def host_warnings(guest: Guest, host: Host, shim: Shim, mode: Mode) -> list[str]:
    """List what the admin should know of this shim on this host."""
    found = list(kind_of(shim).caveats)
    if "pvh" in guest.non_empty_keys and facts.reads(host, "pvh") is None:
        found.append(
            f"{guest.written('pvh')} makes a PVH guest, which needs no shim, under Xen 4.4 to 4.8;"
            " this is for later ones, which take no notice of it (say --xen VERSION)"
        )
    if loses_events(shim, host, mode) is None:
        found.append(
            "host not known well enough: on Xen before 4.7.5, 4.8.3, 4.9.2 or 4.10.1 the guest"
            " hangs (say --xen VERSION)"
        )
    return found


def shim_args(guest: Guest, host: Host, shim: Shim, carrier: Carrier, settings: Settings) -> str:
    """Return the shim's own command line.

    A shim gives its guest every vCPU that ACPI lists, which may be maxvcpus= or (hvmloader before
    4.8) 128, and the guest's kernel stops at one that does not run: the pre-stage shortens that
    list, and maxcpus= makes the shims that go without it stop at vcpus=; where 128 are listed,
    mce=0 keeps these, on Intel, from counting processors that they do not start.
    """
    given = settings.shim_args
    words = (kind_of(shim).arguments if given is None else given).split()
    if carrier is not Carrier.PRE_STAGE and not any(w.startswith("maxcpus=") for w in words):
        words.append(f"maxcpus={guest.vcpus}")
    phantoms = carrier is Carrier.LOADER and facts.lists_all_processors(host)
    if phantoms and not any(word.startswith("mce=") for word in words):
        words.append("mce=0")
    return " ".join(words)


def carrier(shim: Shim, mode: Mode) -> Carrier:
    """Return who hands kernel, ramdisk and command line to the shim."""
    if mode is Mode.PVH:
        return Carrier.XL
    return Carrier.PRE_STAGE if kind_of(shim).pre_stage else Carrier.LOADER


def pre_stage(
    guest: Guest, host: Host, shim: Shim, carrier: Carrier, settings: Settings
) -> PreStage | None:
    """Return what the pre-stage does for this guest, if it stands before this shim."""
    if carrier is not Carrier.PRE_STAGE:
        return None
    return PreStage(guest.vcpus, event_vector(shim, host, Mode.HVM), settings.verbose_boot)


def console_port(shim: Shim) -> str | None:
    """Return what serial= must be, if the guest's console is the shim's serial port."""
    return "pty" if kind_of(shim).serial else None
