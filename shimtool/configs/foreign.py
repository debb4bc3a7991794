"""Files about guests that are no config of xl, xm or libvirt: what they are, and the way out."""

import re
from pathlib import Path

from shimtool.errors import Code, Fault, Location

_STARTED_FROM = "give the config that the guest was started from instead"
_OF_XEN = "only guests of Xen can be converted"
_THE_CONFIG = "give the guest's config for xl, xm or libvirt"
# What the first bytes, past blanks and comments, tell: pattern, what it is, and the remedy.
_FORMATS = tuple(
    (re.compile(pattern), name, remedy)
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
        (rb"Xen Saved domain", "a saved guest (`xl save`)", _STARTED_FROM),
        (rb"LinuxGuestRecord", "a guest saved by `xm save`", _STARTED_FROM),
    )
)
_SCRIPT = re.compile(rb"#!\s*\S*/(?:env\s+)?(?:sh|bash|dash|ksh|zsh|perl|ruby)\b")
_NOTHING = re.compile(rb"(?:\s+|#[^\n]*\n)*+")


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
