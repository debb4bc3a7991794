# shellcheck shell=sh disable=SC2154 # variables of the launcher and of its parts
# What runs the program, which writes to the folders `writable`: docker or podman, or none.

# start VERB WORD...: become `shimtool.launched VERB WORD...`.
start() {
    case $engine in
        none) run_here "$@" ;;
        *) run_container "$@" ;;
    esac
}

# --- docker and podman -----------------------------------------------------------------------------

load() {
    ! "$engine" inspect --type image "$image" > /dev/null 2>&1 || return 0
    new=$(umask 077 && mktemp -d) || die "cannot make a folder in ${TMPDIR:-/tmp}; name another in TMPDIR"
    remove_at_end
    new=$(cd -P "$new" && pwd)
    is_own "$new" sticky || die "$new: $why_not, and name it in TMPDIR"
    take_archive "$new"
    say "loading the image into $engine, this once"
    pipe_to "$engine" load || die "$engine could not load $original"
    removed
}

# mount_option FOLDER: set `how` and `what` to the option that mounts FOLDER, writable, over the
# same in dom0's tree. -v takes no colons, --mount is a list with commas.
mount_option() {
    case $1 in
        *:*[,\"]* | *[,\"]*:*) die "$engine takes no name with both a colon and a comma or quote: $1 (rename it, or SHIMTOOL_ENGINE=none)" ;;
        *:*) how=--mount what=type=bind,source=$1,target=/dom0$1 ;;
        *) how=-v what=$1:/dom0$1 ;;
    esac
}

run_container() {
    set -- "$image" -I -B -m shimtool.enter_dom0 "$PWD" "$@"
    while IFS= read -r folder; do
        [ -n "$folder" ] || continue
        mount_option "$folder"
        set -- "$how" "$what" "$@"
    done << END
$writable
END
    # To keep the owners of files that are edited: more than --out is to be written to.
    case $writable in *"$newline"?*) set -- --cap-add CHOWN --cap-add FOWNER "$@" ;; esac
    # Guests' disks: to read, never to write. Others than root may not give them away.
    [ "$user" != 0 ] || set -- --device-cgroup-rule 'b *:* r' "$@"
    # A terminal stays one: for the bar, colours and Ctrl-C.
    [ ! -t 0 ] || [ ! -t 1 ] || [ ! -t 2 ] || set -- --interactive --tty --env TERM "$@"
    # dom0's tree is the root that the program sees (SYS_CHROOT), whoever owns a file there
    # (DAC_OVERRIDE). Guests' disks are read by a child that is nobody (SETUID, SETGID, KILL).
    # What is mounted below / stays writable with docker before 25, before Linux 5.12, and podman:
    # no wall keeps the program from that, only its code, which writes to the folders above alone. label=disable: files of dom0 must not be relabelled for SELinux.
    exec "$engine" run --rm --network none --read-only --cap-drop ALL \
        --cap-add SYS_CHROOT --cap-add DAC_OVERRIDE --cap-add SETUID --cap-add SETGID --cap-add KILL \
        --security-opt no-new-privileges --security-opt label=disable \
        --env NO_COLOR --env SHIMTOOL_DISKS \
        --entrypoint /usr/bin/python3.11 -v /:/dom0:ro "$@"
}

# --- neither: in place -------------------------------------------------------------------------------

# find_files: set `files` to the folder that holds the image's files, unpacked if need be.
find_files() {
    cache=${SHIMTOOL_CACHE:-/var/cache/shimtool}
    { mkdir -p "$cache" && cache=$(cd -P "$cache" && pwd); } || die "cannot make $cache; name another folder in SHIMTOOL_CACHE"
    case $cache in
        *[:\;\$]*) die "SHIMTOOL_CACHE=$cache: the loader takes no name with : ; or \$ in it" ;;
    esac
    # Strict: a program looks for its parts in the folders above it, too.
    is_own "$cache" || die "$cache: $why_not, and name it in SHIMTOOL_CACHE"
    files=$cache/${image##*:}
    is_own "$files" || die "$files: $why_not; remove it"
    [ -d "$files" ] || unpack
    loader=$files/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    "$loader" --version > /dev/null 2>&1 ||
        die "cannot run $loader; is its file system mounted noexec? Name another folder in SHIMTOOL_CACHE"
}

# unpack: put the image's files into $files, whole or not at all.
unpack() {
    new=$files.new.$$
    remove_at_end
    remove_leftovers
    mkdir "$new" "$new/archive" "$new/root" || die "cannot write to $cache"
    take_archive "$new"
    say "unpacking the image into $files, this once"
    pipe_to tar -x -f - -C "$new/archive" || die "cannot unpack $original into $cache; is there room for it?"
    rm "$archive"
    layers=$(sed 's/.*"Layers":\["\([^]]*\)"\].*/\1/; s/","/ /g' "$new/archive/manifest.json")
    for layer in $layers; do
        tar -x -p -f "$new/archive/$layer" -C "$new/root" || die "cannot unpack $original into $cache; is there room for it?"
    done
    sync # a crash of dom0 leaves no half files behind the finished name
    [ -d "$files" ] || mv "$new/root" "$files" || die "cannot write to $cache"
    rm -rf "$files/root" # another launcher was faster
    removed
}

# remove_at_end: remove the folder `new` however this ends; removed: do it now.
remove_at_end() {
    trap 'rm -rf "$new"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}
removed() {
    rm -rf "$new"
    trap - EXIT HUP INT TERM
}

# remove_leftovers: remove what launchers left that were killed or lost their power.
remove_leftovers() {
    set +f
    for left in "$cache"/*.new.*; do
        kill -0 "${left##*.}" 2> /dev/null || rm -rf "$left"
    done
    set -f
}

# run_here: the image's Python, with its own libraries, from where it lies: as enter_dom0 does. No
# settings of dom0's libraries are read.
run_here() {
    exec env -i LANG=C.UTF-8 LOCPATH="$files/usr/lib/locale" OPENSSL_CONF=/dev/null \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin ${TERM+"TERM=$TERM"} ${NO_COLOR+"NO_COLOR=$NO_COLOR"} \
        ${SHIMTOOL_DISKS+"SHIMTOOL_DISKS=$SHIMTOOL_DISKS"} \
        "$loader" --inhibit-cache --library-path "$files/usr/lib/x86_64-linux-gnu" \
        "$files/usr/bin/python3.11" -I -B -m shimtool.launched "$@"
}
