"""Files about guests that are no config of xl, xm or libvirt: what they are, and the way out."""

from pathlib import Path

from shimtool.configs.xl.grammar import Parser
from shimtool.deferred import regex
from shimtool.errors import Code, Fault, Location

_STARTED_FROM = "give the config that the guest was started from instead"
_OF_XEN = "only guests of Xen can be converted"
_THE_CONFIG = "give the guest's config for xl, xm or libvirt"
_UNPACK = "unpack it, and give what is in it"
# What the first bytes, past blanks and comments, tell: pattern, what it is, and the remedy.
_FORMATS = tuple(
    (regex(pattern), name, remedy)
    for pattern, name, remedy in (
        (
            rb"\(domain\s*\(domid -?\d+\)\s*\(create_info\)",
            "what xl of Xen 4.1 or 4.2 showed of a guest (`xl list -l`)",
            _STARTED_FROM,
        ),
        (
            rb"\(\s*[A-Za-z_][\w.-]*[\s()]",
            "SXP of xend's that describes no guest",
            "give the file that was given to `xm create`, or what `xm list -l GUEST` says of it",
        ),
        (
            rb"(?:Parsing config from [^\n]*\n\s*)?[\[{][\s\[{]*\"(?:domid|config|c_info|b_info)\"",
            "libxl's JSON of a guest (`xl list -l`, *.libxl-json)",
            f"{_STARTED_FROM}; `xl list -l` shows a running guest, not its config",
        ),
        (rb"[\[{][\s\[{]*[\"}\]]", "JSON", f"{_STARTED_FROM}: for xl, xm or libvirt"),
        (
            rb"(?:\.encoding|config\.version|virtualHW\.version)\s*=|displayName\s*=\s*\"",
            "a config of VMware (.vmx)",
            _OF_XEN,
        ),
        (
            rb"(?:[A-Z_]+ *= *[^\n]*+\n\s*+)*?(?:DISK|NIC|OS|GRAPHICS|CONTEXT) *= *\[\s*[A-Z_]+ *=",
            "a template of OpenNebula",
            f"{_STARTED_FROM}: deployment.N on the node",
        ),
        (rb"version=\d\s+(?:encoding=\S+\s+)?CID=", "what VMware says of a disk", _THE_CONFIG),
        (rb"lxc\.[\w.]+\s*=", "a config of LXC", _OF_XEN),
        (rb"(?:ONBOOT|KMEMSIZE|PHYSPAGES|VE_ROOT)=", "a config of OpenVZ", _OF_XEN),
        (rb"Name\s+ID\s+Mem\b", "a list of guests (`xl list`, `xm list`)", _STARTED_FROM),
        (
            rb"uuid \( ?RO ?\)\s*:",
            "what xe shows of a guest of XenServer or XCP-ng",
            "write a config for xl from it: memory=, vcpus=, disk=, vif=, and what boots it",
        ),
        (
            rb"(?:set default=|menuentry\s|(?:default|timeout|DEFAULT|TIMEOUT|PROMPT|LABEL)[ \t]+\S"
            rb"|title[ \t]+\S)",
            "a boot loader's menu",
            f"{_THE_CONFIG}; pygrub's guests keep their menu on their own disk",
        ),
        (rb"(?:resource|variable|provider)\s+\"", "a file of Terraform's", _THE_CONFIG),
        (rb"Vagrant\.configure", "a Vagrantfile", _THE_CONFIG),
        (rb"d-i[ \t]+\S", "answers for Debian's installer", _THE_CONFIG),
        (rb"(?:diff |--- \S[^\n]*\n\+\+\+ )", "a patch", "give the config that it is for"),
        (rb"<<<<<<< ", "two versions of one, not merged", "keep one of them, and no marks"),
        (rb"```", "a piece of Markdown", "take the lines with ``` away"),
        (
            rb"\[[A-Za-z][\w .:\"-]*\][ \t]*\r?(?:\n|\Z)",
            "a file of sections (INI, TOML, systemd ...)",
            _THE_CONFIG,
        ),
        (
            rb"(?:---[ \t]*\r?\n"
            rb"|(?!(?:if|elif|else|for|while|try|except|finally|with|def|class)\b)"
            rb"[A-Za-z][\w.-]*(?: ?[\w.-]+){0,3}[ \t]*:"
            rb"(?:[ \t]+\S|[ \t]*\r?\n[ \t]+(?:-[ \t]|[\w.-]+:)))",
            "lines of NAME: VALUE (YAML, Proxmox, xl info ...)",
            _THE_CONFIG,
        ),
        (
            rb"(?:virt-install|qemu-(?:system-\w+|kvm|img)|kvm|xl|xm|virsh|cat|echo|set|export|sudo"
            rb"|mkdir|lvcreate|xen-create-image)[ \t]+[^\s=+]",
            "commands for a shell",
            f"{_THE_CONFIG}, as they make it",
        ),
        (rb"\x1f\x8b|\xfd7zXZ\0|BZh\d1AY|PK\x03\x04|\x28\xb5\x2f\xfd", "a packed file", _UNPACK),
        (rb"[^\0]{1,100}\0[\s\S]{156,256}ustar", "an archive (tar, xva)", _UNPACK),
        (
            rb"(?:\xff\xfe|\xfe\xff|[^\0]\0[^\0]\0|\0[^\0]\0[^\0])",
            "text in UTF-16",
            "write it in UTF-8: iconv -f UTF-16 -t UTF-8 OLD > NEW",
        ),
        (rb"QFI\xfb|conectix|KDMV|<<< .{3,60}Disk Image >>>", "the image of a disk", _THE_CONFIG),
        (rb"\x7fELF", "a program or a kernel", _THE_CONFIG),
        (rb"%PDF-|\{\\rtf", "a document for a word processor", "write what it says as plain text"),
        (rb"Xen Saved domain", "a saved guest (`xl save`)", _STARTED_FROM),
        (rb"LinuxGuestRecord", "a guest saved by `xm save`", _STARTED_FROM),
    )
)
_SCRIPT = regex(rb"#!\s*\S*/(?:env\s+)?(?:sh|bash|dash|ksh|zsh|perl|ruby)\b")
_NOTHING = regex(rb"(?:\s+|#[^\n]*\n)*+")


def foreign_format(data: bytes, path: Path) -> Fault | None:
    """Say what a file is that no parser of ours reads, where its beginning tells; else None."""
    if _SCRIPT.match(data):
        message = "no guest config but a script, and shimtool runs none"
        remedy = f"{_THE_CONFIG}, as the script makes it"
        return Fault(message, Location(path, 1), remedy=remedy, code=Code.NOT_A_CONFIG)
    start = _NOTHING.match(data)
    at = start.end() if start else 0
    for pattern, name, remedy in _FORMATS:
        if pattern.match(data, at):
            line = data.count(b"\n", 0, at) + 1
            message, where = f"no guest config but {name}", Location(path, line)
            return Fault(message, where, remedy=remedy, code=Code.NOT_A_CONFIG)
    return None


def no_config(data: bytes, path: Path) -> Fault | None:
    """Say of a file that it is no config if xl understands none of its lines, two or more."""
    parser = Parser(data)
    lines = {problem.line for problem in parser.problems}
    if b"\0" in data or parser.assignments or len(lines) < 2:
        return None
    return Fault(
        "no guest config: xl understands none of its lines",
        Location(path, min(lines)),
        remedy=_THE_CONFIG,
        code=Code.NOT_A_CONFIG,
    )
