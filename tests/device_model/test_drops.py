"""What libxl writes for emulated devices goes, whichever version of it wrote it."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.device_model.script_runner import HEAD, OUR_CD, TAIL, recorded, run_dm, text, without

ROOT = "-drive file=/guest/root.img,if=ide,index=0,media=disk,format=raw,cache=writeback"
SWAP = "-drive file=/guest/swap.img,if=ide,index=0,media=disk,format=raw,cache=writeback"
NIC = "-device rtl8139,id=nic0,netdev=net0,mac=00:16:3e:11:22:33"
CIRRUS = "-device cirrus-vga,vgamem_mb=8"
VNC = "-vnc 127.0.0.1:0,to=99"
TAP = "type=tap,id=net0,ifname=vif2.0-emu,script=no,downscript=no"
BR_TAP = "type=tap,id=net0,ifname=vif2.0-emu,br=xenbr0,script=no,downscript=no"

# (libxl's version, which of its guests) -> what goes of it, what is said instead, and the log.
RECORDED = {
    ("4.6", 0): ([ROOT, SWAP], [], "disk:2"),
    ("4.6", 1): (
        [ROOT, SWAP, NIC, f"-netdev {TAP}", CIRRUS, VNC],
        ["-vnc", "none", "-net", "none"],
        "disk:2 NIC:2 VGA:1 display:1",
    ),
    ("4.6", 2): (
        [
            "-drive file=/guest/root.img,if=scsi,bus=0,unit=0,format=raw,cache=writeback",
            "-drive file=/guest/web01.iso,if=ide,index=2,readonly=on,media=cdrom,format=raw,"
            "cache=writeback,id=ide-5632",
        ],
        [],
        "disk:2",
    ),
    ("4.9", 0): ([ROOT, SWAP], [], "disk:2"),
    ("4.9", 1): (
        [ROOT, SWAP, NIC, f"-netdev {TAP}", CIRRUS, VNC],
        ["-vnc", "none", "-net", "none"],
        "disk:2 NIC:2 VGA:1 display:1",
    ),
    ("4.9", 2): (
        [
            "-drive cache=writeback,readonly=off,file=/guest/root.img,if=scsi,bus=0,unit=0,"
            "format=raw",
            "-drive if=ide,index=2,readonly=on,media=cdrom,id=ide-5632,file=/guest/web01.iso,"
            "format=raw",
        ],
        [],
        "disk:2",
    ),
    ("4.17", 0): ([ROOT, SWAP], [], "disk:2"),
    ("4.17", 1): (
        [ROOT, SWAP, NIC, f"-netdev {BR_TAP}", CIRRUS, VNC],
        ["-vnc", "none", "-net", "none"],
        "disk:2 NIC:2 VGA:1 display:1",
    ),
    ("4.17", 2): (
        [
            "-device lsi53c895a",
            "-drive file=/guest/root.img,id=scsi0-hd0,format=raw,if=none,readonly=off,"
            "cache=writeback",
            "-device scsi-hd,drive=scsi0-hd0,scsi-id=0",
            "-drive if=none,readonly=on,id=ide-5632,file=/guest/web01.iso,format=raw",
            "-device ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0",
        ],
        [],
        "disk:5",
    ),
}


class Form(NamedTuple):
    """Options of one libxl feature, the log's words for them, and what is said instead."""

    options: str
    log: str
    instead: str = ""


# Forms that no recorded guest has: read in libxl_dm.c of the versions named, or QEMU's own.
FORMS = {
    "4.6 hdtype=ahci": Form(
        "-device ahci,id=ahci0"
        " -drive file=/dev/vg/root,if=none,id=ahcidisk-0,format=raw,cache=writeback"
        " -device ide-hd,bus=ahci0.0,unit=0,drive=ahcidisk-0",
        "disk:3",
    ),
    "4.6 empty CD drive": Form(
        "-drive if=ide,index=2,readonly=on,media=cdrom,cache=writeback,id=ide-5632", "disk:1"
    ),
    "4.11 sd disk": Form(
        "-device lsi53c895a"
        " -drive file=/dev/vg/a,id=scsi0-hd0,format=raw,if=none,readonly=on,cache=writeback"
        " -device scsi-disk,drive=scsi0-hd0,scsi-id=0",
        "disk:3",
    ),
    "4.14 empty CD drive": Form(
        "-drive if=none,readonly=on,id=ide-5632"
        " -device ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0",
        "disk:2",
    ),
    "4.7 COLO disks": Form(
        "-drive if=none,driver=raw,file=/dev/vg/a,id=colo1"
        " -drive if=ide,index=0,media=disk,cache=writeback,driver=quorum,id=colo2,"
        "children.0.file.filename=/dev/vg/b,children.0.driver=raw,read-pattern=fifo,"
        "vote-threshold=1",
        "disk:2",
    ),
    "4.10 COLO network": Form(
        f"-device e1000,id=nic0,netdev=net0,mac=00:16:3e:11:22:33 -netdev {TAP}"
        " -object filter-mirror,id=m1,netdev=net0,queue=tx,outdev=mirror0"
        " -object filter-redirector,id=r1,netdev=net0,queue=rx,indev=red0"
        " -object colo-compare,id=c1,primary_in=a,secondary_in=b,outdev=c,notify_dev=d",
        "NIC:5",
        "-net none",
    ),
    "4.6 any NIC model of the user's": Form(
        f"-device newnic9000,id=nic0,netdev=net0,mac=00:16:3e:11:22:33 -netdev {TAP}",
        "NIC:2",
        "-net none",
    ),
    "4.2 NIC": Form(
        "-net nic,vlan=0,macaddr=00:16:3e:11:22:33,model=virtio"
        " -net tap,vlan=0,ifname=vif1.0-emu,script=no,downscript=no",
        "NIC:2",
        "-net none",
    ),
    "QEMU -nic": Form("-nic user,model=virtio-net-pci", "NIC:1", "-net none"),
    "4.6 vga=stdvga": Form("-device VGA,vgamem_mb=16", "VGA:1"),
    "4.6 vga=qxl": Form("-device qxl-vga,vram_size_mb=64,ram_size_mb=64", "VGA:1"),
    "4.2 stdvga": Form("-vga std", "VGA:1"),
    "4.6 usb=1, tablet": Form("-usb -usbdevice tablet", "USB:2"),
    "4.6 usbdevice list": Form("-usb -usbdevice tablet -usbdevice host:1.2", "USB:3"),
    "QEMU usb tablet as device": Form("-usb -device usb-tablet", "USB:2"),
    "4.6 usbversion=1": Form("-device piix3-usb-uhci,id=usb", "USB:1"),
    "4.6 usbversion=2": Form(
        "-device ich9-usb-ehci1,id=usb,addr=0x1d.0x7,multifunction=on"
        " -device ich9-usb-uhci1,masterbus=usb.0,firstport=0,addr=0x1d.0,multifunction=on"
        " -device ich9-usb-uhci2,masterbus=usb.0,firstport=2,addr=0x1d.0x1,multifunction=on",
        "USB:3",
    ),
    "4.6 usbversion=3": Form("-device nec-usb-xhci,id=usb", "USB:1"),
    "QEMU xhci and disk": Form(
        "-device qemu-xhci,id=usb -device usb-storage,drive=stick -drive if=none,id=stick,file=/s",
        "disk:1 USB:2",
    ),
    "4.6 spice": Form(
        "-spice port=6000,tls-port=0,addr=127.0.0.1,password=hush,agent-mouse=on"
        " -device virtio-serial -chardev spicevmc,id=vdagent,name=vdagent"
        " -device virtserialport,chardev=vdagent,name=com.redhat.spice.0"
        " -chardev spicevmc,name=usbredir,id=usbrc1 -device usb-redir,chardev=usbrc1,id=usbrc1",
        "display:5 USB:1",
    ),
    "4.6 sdl, keymap": Form("-sdl -k de", "display:2"),
    "4.6 soundhw": Form("-soundhw hda", "sound:1"),
    "4.6 soundhw as devices": Form(
        "-device intel-hda -device hda-duplex -device AC97,addr=5", "sound:3"
    ),
    "QEMU 7.1 audio": Form("-audio pa,model=hda", "sound:1"),
    "QEMU floppies": Form(
        "-fda /f.img -fdb /g.img -device isa-fdc -device floppy,drive=f -parallel pty"
        " -device isa-parallel",
        "floppy:4 parallel:2",
    ),
    "QEMU short disk options": Form(
        "-hda /a -hdb /b -hdc /c -hdd /d -cdrom /e -sd /f -blockdev file,node-name=x,filename=/y",
        "disk:7",
    ),
    "QEMU other disks": Form(
        "-device virtio-blk-pci,drive=x -device virtio-scsi-pci -device nvme,drive=y,serial=1"
        " -device driver=megasas -device newdisk9000,drive=z",
        "disk:5",
    ),
    "a tenant's path with commas": Form(
        "-drive file=/srv/tenant/x,id=shimtool-y,if=ide,index=0,media=disk,format=raw"
        " -drive file=/srv/tenant/x,if=none,id=shimtool-cd,format=raw,cache=writeback"
        " -drive if=none,readonly=on,id=ide-5632,file=/srv/tenant/x,id=shimtool-cd,format=raw",
        "disk:3",
    ),
    "ids like ours": Form(
        "-netdev user,id=shimtool-net -device e1000,id=shimtool-nic,netdev=shimtool-net"
        " -blockdev file,node-name=shimtool-file,filename=/x -device ide-cd,drive=shimtool-file"
        " -device ahci,id=shimtool-ahci,addr=5 -device usb-tablet,id=shimtool-ahci",
        "disk:3 NIC:2 USB:1",
        "-net none",
    ),
    "our CD with more": Form(
        OUR_CD.split(" -device ide")[0].removeprefix("-device ahci,id=shimtool-ahci ")
        + ",snapshot=on -drive if=none,id=shimtool-cd,media=cdrom,readonly=on,format=raw,file=",
        "disk:2",
    ),
    "QEMU 6.2 JSON": Form(
        """-device {"driver":"e1000","netdev":"n"} -netdev {"type":"user","id":"n"}"""
        """ -device {"id":"shimtool-cd","driver":"ide-hd","drive":"shimtool-cd"}"""
        """ -device {'bus':'b','driver':'usb-tablet'} -device {"x":[{"y":"z"},1],"driver":"VGA"}"""
        """ -blockdev {"driver":"file","node-name":"d","filename":"/x"}"""
        """ -device {"driver":"newdisk9000","drive":"d"} -device {"driver":"new","netdev":"n"}"""
        """ -object {"qom-type":"filter-mirror","id":"m","netdev":"n"}""",
        "disk:3 NIC:4 VGA:1 USB:1",
        "-net none",
    ),
    "QEMU 6.2 JSON with escapes, or broken": Form(
        r'-device {"driver":"\u00651000"} -device {"driver":"e1000\""}'
        r' -device {"driver":"e1000 -object {"qom-type":"filter\u002dmirror"}',
        "unreadable:4",
    ),
    "two dashes": Form(
        "--usb --device e1000,id=n --drive if=ide,file=/a", "disk:1 NIC:1 USB:1", "-net none"
    ),
}


@pytest.mark.parametrize(("version", "guest"), sorted(RECORDED))
def test_recorded_guest(shell: str, qemu: Path, version: str, guest: int) -> None:
    given = recorded(version)[guest]
    dropped, instead, log = RECORDED[version, guest]
    outcome = run_dm(shell, given, qemu)
    assert text(outcome.arguments) == without(given, dropped) + instead
    assert outcome.errors == f"shimtool-dm: dropped {log}; starting {qemu}\n"
    assert outcome.code == 0


@pytest.mark.parametrize("form", FORMS)
def test_form(shell: str, qemu: Path, form: str) -> None:
    case = FORMS[form]
    outcome = run_dm(shell, f"{HEAD} {case.options} {TAIL}".split(), qemu)
    assert text(outcome.arguments) == f"{HEAD} {TAIL} {case.instead}".split()
    assert outcome.errors == f"shimtool-dm: dropped {case.log}; starting {qemu}\n"


def test_the_log_shows_no_secret(shell: str, qemu: Path) -> None:
    options = "-vnc 127.0.0.1:0,password=hush -spice password=hush -drive file=/secret/hush.img"
    errors = run_dm(shell, f"{HEAD} {options} {TAIL}".split(), qemu).errors
    assert "display:2" in errors
    assert "hush" not in errors


def test_displays_become_none_once(shell: str, qemu: Path) -> None:
    given = "-nodefaults -vnc :1 -vnc unix:/s -display gtk -sdl -spice port=1"
    assert text(run_dm(shell, given.split(), qemu).arguments) == [
        *("-nodefaults", "-vnc", "none", "-display", "none")
    ]


def test_what_is_already_none_stays_as_it_is(shell: str, qemu: Path) -> None:
    options = ("-vnc", "-display", "-net", "-nic", "-vga", "-parallel")
    given = [word for option in options for word in (option, "none")]
    assert text(run_dm(shell, given, qemu).arguments) == given


def test_an_emulated_disk_cannot_pass_for_ours(shell: str, qemu: Path) -> None:
    name = "-drive if=ide,file=/a,,id=shimtool-cd,,drive=shimtool-cd,format=raw"
    assert text(run_dm(shell, f"{OUR_CD} {name}".split(), qemu).arguments) == OUR_CD.split()
