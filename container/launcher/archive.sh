# shellcheck shell=sh disable=SC2154,SC2034 # variables of the launcher and of its parts
# The image's archive: checked before anything is made of it; and folders that nobody else can change.

newline='
'

# is_own FOLDER [STICKY]: whether nobody but root and who runs this can write to FOLDER, an absolute
# path without links, or put another in its place; else `why_not` says why. What is not there yet is
# no fault. Folders above it may be sticky, as /tmp is, with the word sticky: there others can rename
# only what is theirs, but put there what they like.
is_own() {
    place=$1
    may=
    while :; do
        if [ -e "${place:-/}" ] || [ -L "${place:-/}" ]; then
            listed=$(ls -ldn "${place:-/}") || { why_not="cannot look at ${place:-/}"; return 1; }
            read -r mode _ owner _ << END
$listed
END
            case $owner in
                0 | "$user") ;;
                *) why_not="${place:-/} belongs to user $owner, who could exchange what is in it; take another folder, or chown root it"
                    return 1 ;;
            esac
            case $mode in
                d????-??-*) ;;
                d????????[tT]*) [ -n "$may" ] || { why_not="everybody can put files into $place; take another folder"; return 1; } ;;
                d*) why_not="others can write to ${place:-/}; take another folder, or chmod go-w it"
                    return 1 ;;
                *) why_not="$place is no folder"
                    return 1 ;;
            esac
        fi
        [ -n "$place" ] || return 0
        place=${place%/*}
        may=${2:-}
    done
}
user=$(id -u)

# take_archive FOLDER: copy the image's archive into FOLDER, which nobody else can change, and
# compare that copy with its checksum. Sets `archive` to it: nobody can exchange it afterwards.
take_archive() {
    self=$(readlink -f "$0")
    home=${SHIMTOOL_HOME:-${self%/*}}
    archive=$home/shimtool-$version.tar
    wanted=$sha256_of_tar
    if [ ! -f "$archive" ]; then
        archive=$archive.xz
        wanted=$sha256_of_tar_xz
        [ -f "$archive" ] || die "${archive##*/} is not in $home; copy it there, or name its folder in SHIMTOOL_HOME"
        unxz=$(command -v xz || command -v xzcat) ||
            die "no xz here: unpack ${archive##*/} elsewhere (xz -d), copy the .tar to $home"
    fi
    if command -v sha256sum > /dev/null; then sum=sha256sum
    elif command -v shasum > /dev/null; then sum='shasum -a 256'
    elif command -v openssl > /dev/null; then sum='openssl dgst -sha256 -r'
    else die "cannot check the archive: there is no sha256sum, shasum or openssl here"; fi
    cp "$archive" "$1/" || die "cannot copy $archive to $1; is there room for it?"
    original=$archive
    archive=$1/${archive##*/}
    [ "$($sum < "$archive" | sed 's/[^0-9a-f].*//')" = "$wanted" ] ||
        die "$original is damaged, or of another version than this launcher (its SHA-256 is not $wanted): copy it again"
}

# tarball: write the archive, unpacked, to standard output.
tarball() {
    case $archive in
        *.xz) "$unxz" -dc "$archive" ;;
        *) cat "$archive" ;;
    esac
}

# pipe_to COMMAND...: give it the tarball; fail if either of the two fails.
pipe_to() {
    failed=$({ { tarball || echo tarball >&3; } | "$@" > /dev/null || echo "$1" >&3; } 3>&1)
    [ -z "$failed" ]
}
