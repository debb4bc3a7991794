"""SOURCES in the image: which sources the GPL, LGPL and AGPL want passed on, and where they are."""

from collections.abc import Iterable, Iterator, Sequence

from components import Part

_HEAD = """\
Sources of the parts of this image under the GPL, LGPL or AGPL
==============================================================

Who passes the image on must pass these on with it, or offer them in writing for three years (GPL
version 2, section 3; version 3, section 6). The exact versions, with what was made of each:
"""
_DEBIAN = """\

Debian source packages. With a deb-src line for Debian 12 and its security updates
`apt-get source --download-only NAME=VERSION` fetches them; a version that has left that archive
stays in Debian's snapshot archive, under the same name and version:

"""
_PYPI = """\

Python libraries. `pip download --no-deps --no-binary :all: NAME==VERSION` fetches them from PyPI;
those that are all Python are here as source already:

"""
_SHIMS = """\

Xen, of which the shims are made. A shim given to the build came from where this says; its source
is that package's, or that of whoever built it:

"""
_OFFER = """\

Written offer: {offer} gives anyone who has this image the complete sources of these parts, in
these versions, for no more than the cost of the copying, for at least three years from the day
the image was received.
"""


def sources(parts: Sequence[Part], offer: str | None) -> str:
    """Write the list; with the written offer of who is named in `offer`."""
    wanted = [part for part in parts if part.is_copyleft]
    text = _HEAD
    for title, kind in ((_DEBIAN, "deb"), (_PYPI, "pypi"), (_SHIMS, "shim")):
        text += title + "".join(_lines(part for part in wanted if part.kind == kind))
    return text + (_OFFER.format(offer=offer) if offer else "")


def _lines(parts: Iterable[Part]) -> Iterator[str]:
    """A line for each source: its name, version, licence and the packages built of it."""
    made: dict[tuple[str, str, str], list[str]] = {}
    for part in parts:
        made.setdefault((*part.source, part.licence), []).append(part.name)
    for (name, version, licence), names in sorted(made.items()):
        of_it = "" if names == [name] else f": {', '.join(sorted(names))}"
        yield f"  {name} {version} ({licence}){of_it}\n"
