"""XML that is no domain's, or made to harm: refused in plain words, soon, and nothing fetched."""

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shimtool.configs.libvirt.domain import is_xml, parse
from shimtool.configs.libvirt.xml import LIMIT, root_name
from shimtool.configs.parse import parse as parse_config
from shimtool.errors import ShimtoolError
from tests.configs.libvirt.support import GOOD, HERE, domain, small

LAUGHS = (
    '<?xml version="1.0"?>\n<!DOCTYPE domain [\n <!ENTITY a "ha">\n'
    + "".join(
        f' <!ENTITY {b} "{f"&{a};" * 10}">\n' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]>\n<domain type='xen'><name>&j;</name></domain>"
)
LONG = f'<!DOCTYPE domain [ <!ENTITY a "{"x" * 100_000}"> ]>'
QUADRATIC = f"{LONG}<domain>{'&a;' * 100_000}</domain>"
HOSTILE = {
    "external-entity": '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><domain>&x;</domain>',
    "external-dtd": '<!DOCTYPE domain SYSTEM "http://127.0.0.1:PORT/x.dtd"><domain/>',
    "parameter-entity": '<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:PORT/">%p;]><domain/>',
    "default-attribute": '<!DOCTYPE domain [ <!ATTLIST domain type CDATA "xen"> ]><domain/>',
    "billion-laughs": LAUGHS,
    "quadratic-blowup": QUADRATIC[:LIMIT],
    "undeclared-entity": small("<title>&nbsp;</title>"),
    "deep-nesting": "<domain>" + "<a>" * 100_000 + "</a>" * 100_000 + "</domain>",
    "endless-nesting": "<domain>" + "<a>" * 300_000,
    "many-elements": "<domain>" + "<a/>" * 200_000 + "</domain>",
    "many-attributes": "<domain " + " ".join(f"a{n}='1'" for n in range(90_000)) + "/>x",
    "attribute-twice": "<domain type='xen' type='xen'/>",
    "unbound-prefix": small("<tool:x/>"),
    "two-roots": small() + "<domain/>",
    "text-behind": small() + "junk",
    "truncated": small()[:-20],
    "control-character": small("<title>\x01</title>"),
    "nul": small("<title>\0</title>"),
    "too-large": small(f"<!-- {'x' * LIMIT} -->"),
    "utf-7": "<?xml version='1.0' encoding='utf-7'?>" + small(),
    "ebcdic": "<?xml version='1.0' encoding='cp037'?>" + small(),
    "codec-of-python": "<?xml version='1.0' encoding='zlib_codec'?>" + small(),
    "encoding-unknown": "<?xml version='1.0' encoding='klingon'?>" + small(),
    "multi-byte": "<?xml version='1.0' encoding='shift_jis'?>" + small(),
    "declared-utf-16": "<?xml version='1.0' encoding='utf-16'?>" + small(),
    "no-domain": "<network><name>default</name></network>",
    "html": "<!DOCTYPE html><html><body>404</body></html>",
    "domain-of-another-namespace": "<domain xmlns='http://example.org/'/>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refused_in_time_with_a_line(name: str) -> None:
    begun = time.process_time()
    with pytest.raises(ShimtoolError) as raised:
        domain(HOSTILE[name]).guest()
    assert time.process_time() - begun < 5
    (fault,) = raised.value.faults
    assert fault.where
    assert fault.where.path == HERE
    assert fault.message.isprintable()
    assert len(fault.message) < 200


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_characters(encoding: str) -> None:
    data = small().encode(encoding)
    with pytest.raises(ShimtoolError, match=r"zero bytes"):
        parse(data, HERE)


@pytest.mark.parametrize(
    "data", [b"\xff" + small().encode(), small("<title>\xff</title>").encode("latin-1")]
)
def test_wrong_encoding(data: bytes) -> None:
    with pytest.raises(ShimtoolError):
        parse(data, HERE)


def test_nothing_is_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = str(server.getsockname()[1])
        for text in HOSTILE.values():
            if "PORT" in text:
                with pytest.raises(ShimtoolError):
                    domain(text.replace("PORT", port))
                assert root_name(text.replace("PORT", port).encode()) is not None
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "name", ["many-elements", "many-attributes", "deep-nesting", "billion-laughs"]
)
def test_memory_stays_bounded(name: str, tmp_path: Path) -> None:
    """A process of its own, so that no other test's memory counts."""
    file = tmp_path / "a.xml"
    file.write_text(HOSTILE[name])
    code = (
        "import sys; from pathlib import Path; from shimtool.configs.libvirt.domain import parse\n"
        "from shimtool.errors import ShimtoolError\n"
        "try: parse(Path(sys.argv[1]).read_bytes(), Path('x'))\n"
        "except ShimtoolError: print(Path('/proc/self/status').read_text())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, file], capture_output=True, text=True, check=True
    )
    (most,) = re.findall(r"VmHWM:\s+([0-9]+) kB", done.stdout)
    assert int(most) < 128 << 10


def test_what_is_just_large_is_read() -> None:
    disks = "".join(f"<disk><target dev='xvda{n}'/></disk>" for n in range(1, 256))
    guest = domain(small(f"<!-- {'x' * (LIMIT // 2)} -->", disks)).guest()
    assert len(guest.disks) == 255


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_told_by_content(path: Path) -> None:
    assert root_name(path.read_bytes()) == "domain"


@pytest.mark.parametrize(
    "text",
    ["", "name = 'x'\nkernel = '/k'\n", "# <domain>\n", "<network/>", "<", "<!--", "domain", "\0"],
)
def test_what_is_no_domain(text: str) -> None:
    assert root_name(text.encode()) != "domain"


def test_broken_domains_are_told_too() -> None:
    for text in ("<domain><a></b>", LAUGHS, "<!-- c -->\n<domain>", "\ufeff<domain>"):
        assert root_name(text.encode()) == "domain"
    assert root_name("<domain>".encode("utf-16")) == "domain"
    assert is_xml(b"<network/>")
    assert not is_xml(b"name = '<domain>'")


def test_configs_go_by_content_not_by_name() -> None:
    assert parse_config(small().encode(), Path("guest.cfg")).syntax == "libvirt"
    assert parse_config(b"name = 'n'\n", Path("guest.xml")).syntax == "xl"
    with pytest.raises(ShimtoolError, match="not a libvirt domain, but <network>"):
        parse_config(b"<network/>", Path("guest.cfg"))
