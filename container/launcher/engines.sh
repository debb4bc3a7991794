# shellcheck shell=sh disable=SC2154 # variables of the launcher
# What runs the image, on `volumes`: docker or podman; or neither, which is chroot.

# --- docker and podman -----------------------------------------------------------------------------

# archive: write the image's archive, unpacked, to standard output.
archive() {
    home=${SHIMTOOL_HOME:-${self%/*}}
    if [ -f "$home/shimtool-$version.tar" ]; then
        cat "$home/shimtool-$version.tar"
    elif [ ! -f "$home/shimtool-$version.tar.xz" ]; then
        die "shimtool-$version.tar.xz is not in $home; copy it there, or name its folder in SHIMTOOL_HOME"
    elif unxz=$(command -v xz || command -v xzcat); then
        "$unxz" -dc "$home/shimtool-$version.tar.xz"
    else
        die "no xz here: unpack shimtool-$version.tar.xz elsewhere (xz -d), copy the .tar to $home"
    fi
}

run_engine() {
    "$engine" inspect --type image "$image" > /dev/null 2>&1 || {
        say "loading the image into $engine, this once"
        archive | "$engine" load > /dev/null
    }
    set -- "$image" "$command" "$@"
    while IFS= read -r volume; do
        [ -z "$volume" ] || set -- -v "$volume" "$@"
    done << END
$volumes
END
    # To keep the owners of files that are edited.
    [ "$configs_mode" = ro ] || set -- --cap-add CHOWN --cap-add FOWNER --cap-add DAC_OVERRIDE "$@"
    # Block devices: to read, never to write; disk images may belong to QEMU's user.
    [ -z "$disks" ] || set -- --device-cgroup-rule 'b *:* r' --cap-add DAC_OVERRIDE "$@"
    # A terminal stays one: for the bar, colours and Ctrl-C.
    [ ! -t 0 ] || [ ! -t 1 ] || [ ! -t 2 ] || set -- --interactive --tty --env TERM "$@"
    # label=disable: files of dom0 must not be relabelled for SELinux.
    exec "$engine" run --rm --network none --read-only --cap-drop ALL --env NO_COLOR \
        --security-opt no-new-privileges --security-opt label=disable "$@"
}

# --- neither: chroot ---------------------------------------------------------------------------------

# unpack: put the image's files into $files, whole or not at all.
unpack() {
    say "unpacking the image into $files, this once"
    new=$files.new.$$
    mkdir -p "$new/archive" "$new/root"
    archive | tar -x -f - -C "$new/archive" || die "cannot unpack the image's archive"
    layers=$(sed 's/.*"Layers":\["\([^]]*\)"\].*/\1/; s/","/ /g' "$new/archive/manifest.json")
    for layer in $layers; do
        tar -x -p -f "$new/archive/$layer" -C "$new/root"
    done
    [ -d "$files" ] || mv "$new/root" "$files"
    rm -rf "$new"
}

# bind MODE HERE INSIDE: mount a folder or file in $root.
bind() {
    # A link in a folder that is mounted already leads out of $root: mount where it leads.
    case $(readlink -f "$root$3" || :) in
        '' | "$real_root" | "$real_root"/*) ;;
        *) set -- "$1" "$2" "$(readlink -f "$3")" ;;
    esac
    if [ -d "$2" ]; then mkdir -p "$root$3"; else
        mkdir -p "$root${3%/*}"
        [ -e "$root$3" ] || : > "$root$3"
    fi
    mount -o bind "$2" "$root$3"
    mounted="$root$3$newline$mounted"
    [ "$1" = rw ] || mount -o remount,bind,ro "$root$3"
}

bind_all() {
    mount -o bind "$files" "$root"
    mounted=$root$newline
    while IFS=: read -r from to mode; do
        [ -z "$from" ] || bind "${mode:-rw}" "$from" "$to"
    done << END
$volumes
END
    [ ! -d /sys/hypervisor ] || bind ro /sys/hypervisor /sys/hypervisor
    mount -o remount,bind,ro "$root"
}

clean_up() {
    while IFS= read -r mount; do
        [ -z "$mount" ] || umount "$mount" || say "still mounted: $mount"
    done << END
$mounted
END
    rmdir "$root" || say "left behind: $root"
}

run_chroot() {
    [ "$(id -u)" = 0 ] || die "without docker or podman it uses chroot, which needs root"
    cache=${SHIMTOOL_CACHE:-/var/cache/shimtool}
    files=$cache/${image##*:}
    [ -d "$files" ] || unpack
    [ -z "${SHIMTOOL_NAMESPACE:-}" ] || mount --make-rprivate / 2> /dev/null || :
    root=$(mktemp -d "$cache/run.XXXXXX")
    real_root=$(readlink -f "$root")
    mounted=
    trap clean_up EXIT
    bind_all
    env -i LANG=C.UTF-8 ${TERM+"TERM=$TERM"} ${NO_COLOR+"NO_COLOR=$NO_COLOR"} "$(command -v chroot)" "$root" \
        /usr/bin/python3.11 -I -B -m shimtool.appliance "$command" "$@" &
    child=$!
    trap 'kill -TERM "$child" 2> /dev/null || :' INT TERM HUP
    status=0
    wait "$child" || status=$?
    while kill -0 "$child" 2> /dev/null; do # a signal ended the wait, not the program
        status=0
        wait "$child" || status=$?
    done
    exit "$status"
}
