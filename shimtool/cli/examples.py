"""What `--help` shows below the options: commands to copy, which a test checks."""

EXAMPLES = {
    "scan": (
        ("What is on this host?", "shimtool scan --in /etc/xen"),
        ("For a script:", "shimtool scan --in /etc/xen --json"),
    ),
    "plan": (
        ("What would happen to one guest, on a Xen 4.9.2?", "shimtool plan --xen 4.9.2 web01.cfg"),
    ),
    "convert": (
        ("Every guest of this host:", "shimtool convert --in /etc/xen --out /var/lib/xen/shimtool"),
        ("One, for a dom0 that is elsewhere:", "shimtool convert --xen 4.9.2 --out made web01.cfg"),
        ("Dom0's /boot is here in ./boot:", "shimtool convert --map /boot=boot --in guests"),
        ("Keep the configs' names and places:", "shimtool convert --in /etc/xen --in-place"),
    ),
    "verify": (
        ("Is everything whole?", "shimtool verify --out /var/lib/xen/shimtool web01.cfg"),
        ("An ISO by itself:", "shimtool verify web01.iso"),
    ),
    "boot-test": (("Does it start?", "shimtool boot-test --memory 1024 web01.iso"),),
    "status": (
        ("Is anything stale? (cron mails what it prints)", "shimtool status --out /srv/shimtool"),
        ("One guest, for a script:", "shimtool status --json web01"),
    ),
    "restore": (("Undo convert --in-place:", "shimtool restore --in /etc/xen web01.cfg"),),
    "help": (
        ("What becomes of a config's keys?", "shimtool help keys"),
        ("All of it, page by page:", "shimtool help shimtool | less"),
    ),
    "host": (("What is known of a Xen 4.10?", "shimtool host --xen 4.10.1 --json"),),
}


def epilog(command: str) -> str:
    """Return the examples of a command as its help prints them, line by line."""
    lines = [line for what, how in EXAMPLES[command] for line in (what, f"  {how}")]
    return "\b\nExamples:\n" + "\n".join(lines)
