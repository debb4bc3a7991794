"""Boot loaders' configs as distributions write them into their guests.

`{boot}` is the kernel's folder as GRUB sees it, `{root}` the root device, `{uuid}` the file
system's, `{line}` the rest of the command line. The entry to boot is never the only one, and the
other one names a kernel that is not there.
"""

from tests.e2e.layouts import UUID, Layout

LINE = "console=hvc0 e2e=wait"

# In the way of Debian's grub-mkconfig: environment block, fonts, a terminal that is not there,
# search by UUID with hints of the disk's other name, entries in a submenu.
DEBIAN = """\
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "${{next_entry}}" ] ; then
  set default="${{next_entry}}"
  set next_entry=
  save_env next_entry
  set boot_once=true
else
  set default="0"
fi
if [ x"${{feature_menuentry_id}}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
export menuentry_id_option
function load_video {{
  if [ x$feature_all_video_module = xy ]; then
    insmod all_video
  else
    insmod efi_gop
    insmod vga
  fi
}}
if loadfont /usr/share/grub/unicode.pf2 ; then
  set gfxmode=auto
  load_video
  insmod gfxterm
  set lang=en_US
fi
terminal_output gfxterm
set timeout_style=menu
set timeout=1
set menu_color_normal=cyan/blue
menuentry 'Debian GNU/Linux' --class debian --class os $menuentry_id_option 'simple-{uuid}' {{
  load_video
  insmod gzio
  if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
  insmod part_msdos
  insmod ext2
  set root='hd0,msdos1'
  if [ x$feature_platform_search_hint = xy ]; then
    search --no-floppy --fs-uuid --set=root --hint-bios=hd0,msdos1 --hint='hd0,msdos1' {uuid}
  else
    search --no-floppy --fs-uuid --set=root {uuid}
  fi
  echo 'Loading Linux ...'
  linux {boot}/vmlinuz root={root} ro {line}
  echo 'Loading initial ramdisk ...'
  initrd {boot}/initrd.img
}}
submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'advanced-{uuid}' {{
  menuentry 'Debian GNU/Linux, (recovery mode)' $menuentry_id_option 'recovery-{uuid}' {{
    linux {boot}/vmlinuz.gone root={root} ro single
  }}
}}
"""

# GRUB legacy's, as Debian's update-grub and xen-tools wrote it.
LEGACY = """\
default 1
timeout 1
color cyan/blue white/blue

## ## End Default Options ##
title  Debian GNU/Linux, another kernel
root   (hd0,0)
kernel {boot}/vmlinuz.gone root={root} ro

title  Debian GNU/Linux
root   (hd0,0)
kernel {boot}/vmlinuz root={root} ro {line}
initrd {boot}/initrd.img
savedefault
"""

# As extlinux-update writes it; without a timeout syslinux waits for ever, pygrub does not.
EXTLINUX = """\
default l1
prompt 1
label l0
  menu label Debian GNU/Linux, another kernel
  linux {boot}/vmlinuz.gone
  append root={root} ro
label l1
  menu label Debian GNU/Linux
  kernel {boot}/vmlinuz
  append initrd={boot}/initrd.img root={root} ro {line}
"""

# Fedora's and RHEL's, where entries are files of their own (BLS) and $kernelopts is in grubenv.
BLS = """\
set pager=1
if [ -f ${{config_directory}}/grubenv ]; then
  load_env -f ${{config_directory}}/grubenv
elif [ -s $prefix/grubenv ]; then
  load_env
fi
set default="${{saved_entry}}"
terminal_output console
set timeout=1
insmod part_msdos
search --no-floppy --fs-uuid --set=root {uuid}
set boot=$root
insmod blscfg
blscfg
if [ "${{boot_success}}" = "1" ]; then
  set menu_hide_ok=1
fi
"""
BLS_ENTRY = """\
title Fedora Linux ({version}) 40 (Forty)
version {version}
linux {boot}/vmlinuz{gone}
initrd {boot}/initrd.img $tuned_initrd
options {options}
grub_users $grub_users
grub_arg --unrestricted
grub_class fedora
"""


def filled(text: str, layout: Layout, **more: str) -> str:
    """Fill a config in for a layout."""
    words = {"boot": layout.boot, "root": layout.root, "uuid": UUID, "line": LINE}
    return text.format(**(words | more))


def grubenv(**values: str) -> bytes:
    """Lay out GRUB's environment block: 1024 bytes, filled with #."""
    lines = "".join(f"{key}={value}\n" for key, value in values.items())
    return f"# GRUB Environment Block\n{lines}".encode().ljust(1024, b"#")


# The default is the second of two entries; the first names files that are not there.
SECOND_OF_TWO = """\
set default="1"
set timeout=5
menuentry 'Gone' {{
  linux /boot/vmlinuz.gone root={root} ro
}}
menuentry 'Debian' {{
  search --no-floppy --fs-uuid --set=root {uuid}
  linux /boot/vmlinuz root={root} ro {line} from=disk
  initrd /boot/initrd.img
}}
"""
