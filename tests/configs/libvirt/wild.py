"""XML of the wild, by kind, and where the form is seen: virt-manager's and libvirt's own examples.

Each stands in a PV guest that is right otherwise, `devices` among its devices; libvirt's own Xen
driver says what it means. Whole domains are in data/, with SHAPES.md.
"""

from typing import NamedTuple


class Kind(NamedTuple):
    """Forms of one kind; `source` is what to look up."""

    source: str
    devices: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    "disks": Kind(
        "libvirt tests/sexpr2xmldata, tests/xlconfigdata; virt-manager tests/data/xmlparse",
        devices=(
            "<disk type='file'><source file='/a'/><target dev='xvda'/></disk>",
            "<disk type='block' device='disk'><source dev='/dev/vg/a'/><target dev='xvda1'/>"
            "</disk>",
            "<disk type='file' device='disk'><driver name='tap' type='aio'/><source file='/a'/>"
            "<target dev='xvda' bus='xen'/></disk>",
            "<disk type='file'><driver name='tap' type='qcow'/><source file='/a'/>"
            "<target dev='xvda'/></disk>",
            "<disk type='file'><driver name='tap2' type='aio'/><source file='/a'/>"
            "<target dev='xvda'/></disk>",
            "<disk type='file'><driver name='file'/><source file='/a'/><target dev='hda'/></disk>",
            "<disk type='file'><driver name='qemu' type='qcow2' cache='none'/>"
            "<source file='/a'/><target dev='xvda'/></disk>",
            "<disk type='file' device='disk'><source file='/a'/><target dev='sda' bus='scsi'/>"
            "</disk>",
            "<disk type='file' device='cdrom'><driver name='file'/><source file='/a.iso'/>"
            "<target dev='xvdc:cdrom'/><readonly/></disk>",
            "<disk type='file' device='cdrom'><source file='/a.iso'/><target dev='hdc' bus='ide'/>"
            "<readonly/></disk>",
            "<disk type='block'><source dev='/dev/a'/><target dev='xvdaa'/></disk>",
            "<disk type='block'><source dev='/dev/a'/><target dev='xvda'/><shareable/></disk>",
            "<disk type='block'><source dev='/dev/a'/><target dev='xvda'/><serial>A1</serial>"
            "<boot order='1'/></disk>",
            "<disk type='block'><driver name='phy' discard='unmap'/><source dev='/dev/a'/>"
            "<target dev='xvda'/><iotune><read_bytes_sec>1</read_bytes_sec></iotune></disk>",
            "<disk type='block'><source dev='/dev/a'/><backenddomain name='storage'/>"
            "<target dev='xvda'/></disk>",
            "<disk type='volume'><source pool='p' volume='v'/><target dev='xvda'/></disk>",
            "<disk type='dir'><source dir='/a'/><target dev='xvda'/></disk>",
            "<disk type='file'><source file='/srv/a&amp;b c.img'/><target dev='xvda'/></disk>",
        ),
    ),
    "interfaces": Kind(
        "libvirt tests/sexpr2xmldata/sexpr2xml-net-*, tests/xlconfigdata/test-vif-*; virt-manager",
        devices=(
            "<interface type='bridge'><source bridge='xenbr0'/></interface>",
            "<interface type='bridge'><mac address='00:16:3e:5e:6c:01'/><source bridge='br0'/>"
            "<script path='vif-bridge'/></interface>",
            "<interface type='ethernet'><mac address='00:16:3e:5e:6c:01'/>"
            "<script path='/etc/xen/scripts/vif-route'/></interface>",
            "<interface type='ethernet'><ip address='192.0.2.5'/><script path='vif-routed'/>"
            "</interface>",
            "<interface type='bridge'><source bridge='br0'/><target dev='vifweb'/></interface>",
            "<interface type='bridge'><source bridge='br0'/><model type='netfront'/></interface>",
            "<interface type='bridge'><source bridge='br0'/><bandwidth><outbound average='1000'/>"
            "</bandwidth></interface>",
            "<interface type='bridge'><source bridge='br0'/><vlan><tag id='42'/></vlan>"
            "<virtualport type='openvswitch'/></interface>",
            "<interface type='bridge'><source bridge='br0'/><backenddomain name='net'/>"
            "</interface>",
            "<interface type='bridge'><source bridge='br0'/><mtu size='9000'/></interface>",
        ),
    ),
    "consoles and graphics": Kind(
        "virt-manager tests/data; libvirt tests/sexpr2xmldata/sexpr2xml-pv-vfb-*",
        devices=(
            "<console type='pty' tty='/dev/pts/1'><source path='/dev/pts/1'/>"
            "<target port='0'/></console>",
            "<console type='pty'><target type='xen' port='0'/></console>",
            "<graphics type='vnc' port='-1'/>",
            "<graphics type='vnc' port='5906' listen='127.0.0.1' passwd='x' keymap='ja'/>",
            "<graphics type='sdl' display=':10.0' xauth='/root/.Xauthority'/>",
            "<graphics type='vnc'/><input type='mouse' bus='xen'/>"
            "<input type='keyboard' bus='xen'/>",
            "<graphics type='vnc' autoport='yes'><listen type='address' address='0.0.0.0'/>"
            "</graphics><video><model type='xen' vram='4096' heads='1'/></video>",
            "<channel type='pty'><target type='xen' name='org.example.a'/></channel>",
            "<memballoon model='xen'/>",
            "<serial type='pty'><target port='0'/></serial>",
            "<controller type='xenbus' maxGrantFrames='64' maxEventChannels='2047'/>",
            "<emulator>/usr/lib/xen/bin/qemu-dm</emulator>",
        ),
    ),
    "what stands beside devices": Kind(
        "libvirt formatdomain; virt-install; tests/xlconfigdata",
        inside=(
            "<vcpu>2</vcpu>",
            "<vcpu current='1'>4</vcpu>",
            "<vcpu placement='static' cpuset='1-2'>2</vcpu>",
            "<currentMemory>262144</currentMemory>",
            "<uuid>596a5d21-71f4-8fb2-e068-e2386a5c413e</uuid>",
            "<uuid>596a5d2171f48fb2e068e2386a5c413e</uuid>",
            "<description>a  guest &lt;of ours&gt;</description><title>web</title>",
            "<clock offset='utc'/>",
            "<clock offset='localtime'/>",
            "<clock offset='utc'><timer name='tsc' mode='emulate'/></clock>",
            "<clock offset='variable' adjustment='0' basis='utc'/>",
            "<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot>"
            "<on_crash>preserve</on_crash>",
            "<on_crash>coredump-destroy</on_crash>",
            "<features><acpi/><apic/><pae/></features>",
            "<features><xen><e820_host state='on'/></xen></features>",
            "<features><hap state='on'/></features>",
            "<metadata><libosinfo xmlns='http://libosinfo.org/x'/></metadata>",
            "<cpu mode='host-passthrough'/>",
            "<cpu mode='host-passthrough'><feature policy='disable' name='lm'/></cpu>",
            "<memoryBacking><hugepages/></memoryBacking>",
            "<numatune><memory mode='strict' nodeset='0'/></numatune>",
            "<seclabel type='none'/>",
        ),
    ),
}
