# shellcheck shell=sh
# Which of dom0's files and folders the container gets, each under its own path.

mounts=  # lines "ro PATH" or "rw PATH"
configs= # lines: files that shimtool may read as configs
trying=  # not empty: what cannot be mounted is passed over
newline='
'

# share MODE PATH: mount a folder or file under its own path; if $trying, 1 where that cannot be.
share() {
    case $2 in
        *:* | *"$newline"*)
            unfit "cannot mount $2: containers take no path with ':' in it" || return 1 ;;
        / | /dev | /usr | /usr/bin | /usr/lib | /usr/lib64 | /usr/share | /lib | /lib64 | /bin | /proc* | /sys*)
            unfit "cannot mount all of $2 in the container: name a folder below it" || return 1 ;;
    esac
    is_shared "$1" "$2" || mounts="$mounts$1 $2$newline"
}

unfit() { [ -n "$trying" ] || die "$1"; return 1; }
is_shared() { case $newline$mounts in *"$newline$1 $2$newline"*) ;; *) return 1 ;; esac; }

# locate PATH: set `path` to the same, absolute and without "..".
locate() {
    if [ -d "$1" ]; then
        path=$(cd "$1" && pwd)
    else
        path=$(cd "$(dirname "$1")" && pwd)
        path=${path%/}/${1##*/}
    fi
}

# share_file MODE PATH: mount the folder of a file, and those that its links lead through.
share_file() {
    file=$2
    while
        folder=${file%/*}
        # A file in / itself can only be mounted alone.
        share "$1" "${folder:-$file}" || return 1
        [ -L "$file" ]
    do
        link=$(readlink "$file")
        case $link in
            /*) file=$link ;;
            */*)
                path=$(cd -P "${folder:-/}" && cd "${link%/*}" && pwd) || return 1
                file=${path%/}/${link##*/} ;;
            *) file=$folder/$link ;;
        esac
    done
}

# try_share MODE FILE: as share_file, if that is a file that can be mounted. Shimtool reports what
# is not here or cannot be, with the config's line.
try_share() {
    [ -L "$2" ] || ! is_shared "$1" "${2%/*}" || return 0 # as nearly always
    [ -f "$2" ] || return 0
    trying=yes
    share_file "$1" "$2" || :
    trying=
}

# share_folder MODE PATH: mount a folder of configs and its auto/, and where links in them lead.
share_folder() {
    share "$1" "$2"
    [ ! -L "$2/auto" ] || [ ! -d "$2/auto" ] || share "$1" "$(readlink -f "$2/auto")"
    for entry in "$2"/* "$2"/auto/*; do
        [ ! -L "$entry" ] || try_share "$1" "$entry"
        configs=$configs$entry$newline
    done
}

# share_named MODE PATH: mount what the command line names: a config, a folder of them, a pattern.
share_named() {
    if [ -d "$2" ]; then
        share_folder "$1" "$2"
    elif [ -e "$2" ]; then
        share_file "$1" "$2"
        configs=$configs$2$newline
    else
        IFS=
        for entry in $2; do # the pattern, expanded
            [ ! -e "$entry" ] || share_file "$1" "$entry"
            configs=$configs$entry$newline
        done
        unset IFS
    fi
}

# in_configs AWK...: run awk over the configs. No larger file is one; others may be disk images.
in_configs() (
    [ -n "$configs" ] || exit 0
    set -f
    IFS=$newline
    # shellcheck disable=SC2086 # lines
    find -L $configs -prune -type f -size -2049 -exec awk "$@" {} + 2> /dev/null || :
)

# Print "yes" if a config asks pygrub for what PV GRUB cannot do: shimtool then reads its disk.
need_disks() {
    in_configs '
        FNR == 1 { pygrub = more = 0 }
        /^[ \t]*bootloader[ \t]*=.*pygrub|<bootloader>.*pygrub/ { pygrub = 1 }
        /^[ \t]*(kernel|ramdisk|root|extra|cmdline|bootloader_args)[ \t]*=|<(cmdline|bootloader_args)>/ { more = 1 }
        pygrub && more { print "yes"; exit }'
}

# share_sources: mount where kernels and ramdisks lie that the configs name, in xl's syntax or
# libvirt's; with $disks, image files too.
share_sources() {
    # shellcheck disable=SC2016 # awk's own
    try_each "$(in_configs -v disks="$disks" -F "[\"']" '
        function tell(path) { if (path ~ /^\// && !told[path]++) print path }
        /^[ \t]*(kernel|ramdisk)[ \t]*=/ { tell($2) }
        match($0, /<(kernel|initrd)>[^<]*/) { tell(substr($0, RSTART + 8, RLENGTH - 8)) }
        disks { for (i = 2; i <= NF; i++) {
            if ($i ~ /target=/) sub(/.*target=/, "", $i)
            else if ($i ~ /,/) { sub(/^([a-z0-9]+:)+/, "", $i); sub(/,.*/, "", $i) }
            else if ($(i - 1) !~ /<source file=$/) continue
            tell($i)
        } }')"
}

# share_report REPORT: mount what a report says that guests were made from.
share_report() {
    configs=$(awk -F '"' '/^ *"(path|here)": "\// && !told[$4]++ { print $4 }' "$1")
    try_each "$configs"
    disks=$(awk '/"\/dev=\/dom0\/dev"/ { print "yes"; exit }' "$1") # extracted, by this launcher
}

# try_each LINES: try_share each, read-only.
try_each() {
    while IFS= read -r line; do
        try_share ro "$line"
    done << END
$1
END
}
