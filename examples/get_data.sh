#!/bin/sh
# Finds Fashion-MNIST on this machine or fetches it into data/, and checks every byte of it.
#
#     sh examples/get_data.sh [DIRECTORY...]
#
# Looks in $FMNIST_DIR when that is set, else in the directories given, which are data/ and
# /usr/share/datasets/fashion-mnist when none is. If the four files (plain or .gz) are in none
# of them, they come from their authors' repository or, failing that, out of Debian's package,
# which is unpacked into data/ and not installed. Prints one line that says where the data are.
set -u

package=dataset-fashion-mnist
authors=https://github.com/zalandoresearch/fashion-mnist
raw=https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion

# SHA-256 of the unpacked files: how a file is packed may differ, what is in it may not.
files='train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte
       t10k-labels-idx1-ubyte'
expected() {
    case $1 in
    train-images*) echo c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888 ;;
    train-labels*) echo bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9 ;;
    t10k-images*) echo 5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b ;;
    t10k-labels*) echo 0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34 ;;
    esac
}

fail() {
    printf 'get_data.sh: %s\n' "$@" >&2
    exit 1
}

# macOS has shasum in place of sha256sum.
sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-64
}

unpacked() {
    case $1 in
    *.gz) gzip -dc "$1" 2>/dev/null ;;
    *) cat "$1" ;;
    esac
}

# All four files are there, in either form.
is_complete() {
    for file in $files; do
        [ -f "$1/$file" ] || [ -f "$1/$file.gz" ] || return 1
    done
}

# Both forms are checked where both are there: a program may read either.
verify() {
    for file in $files; do
        for form in "$1/$file" "$1/$file.gz"; do
            [ -f "$form" ] || continue
            found=$(unpacked "$form" | sha256)
            [ "$found" = "$(expected "$file")" ] || fail "$form is not Fashion-MNIST's file:" \
                "    expected SHA-256 $(expected "$file")" "    found    SHA-256 $found" \
                "(of the contents, unpacked). Remove it and run this again."
        done
    done
}

report() {
    verify "$1"
    echo "Fashion-MNIST: $1 (four files, their SHA-256 is right)"
    exit 0
}

download() { # URL FILE
    if command -v curl >/dev/null; then
        curl -fsSL --connect-timeout 5 --max-time 600 -o "$2" "$1"
    elif command -v wget >/dev/null; then
        wget -q --tries=1 --connect-timeout=5 --dns-timeout=5 -O "$2" "$1"
    else
        echo "neither curl nor wget is there" >&2
        return 1
    fi
}

from_authors() {
    for file in $files; do
        download "$raw/$file.gz" "$new/$file.gz" || return 1
    done
}

# Into the current directory. APT::Sandbox::User: as root, apt would else fetch as its own user,
# who may not write here. The time-outs are for machines whose network swallows packets.
apt() {
    apt-get -q -o APT::Sandbox::User=root -o Acquire::Retries=0 \
        -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15 "$@"
}

# With the system's package lists and, where these are empty or old, with lists of our own,
# which need neither root nor a change to the system.
from_debian() (
    if ! command -v apt-get >/dev/null; then
        echo "no apt-get here" >&2
        return 1
    fi
    cd "$new" || return 1
    if ! apt download $package >apt.log 2>&1; then
        mkdir -p state/lists/partial cache/archives/partial
        set -- -o Dir::State::lists="$PWD/state/lists" -o Dir::Cache="$PWD/cache"
        apt "$@" update >>apt.log 2>&1
        apt "$@" download $package >>apt.log 2>&1 || { tail -n 2 apt.log >&2; return 1; }
    fi
    dpkg-deb -x "$package"_*.deb unpacked &&
        mv unpacked/usr/share/datasets/fashion-mnist/*.gz . && is_complete .
)

for word; do
    case $word in
    --help) exec sed -n '2,/^set/s/^# \{0,1\}//p' "$0" ;; # what is above
    -*) fail "unknown option $word; --help tells what there is" ;;
    esac
done
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
data=$top/data
[ "$top" = "$PWD" ] && data=data

if [ -n "${FMNIST_DIR:-}" ]; then
    is_complete "$FMNIST_DIR" && report "$FMNIST_DIR"
    fail "FMNIST_DIR is $FMNIST_DIR, where Fashion-MNIST's four files are not:" \
        "    $files" "(each plain or .gz). Set it right, or unset it to look elsewhere."
fi
[ $# -gt 0 ] || set -- "$data" /usr/share/datasets/fashion-mnist
for directory in "$@"; do
    is_complete "$directory" && report "$directory"
done

# What comes is checked before it gets its name in data/, so an interruption leaves no ruins.
mkdir -p "$data" || fail "cannot make $data"
new=$(mktemp -d "$data/.new.XXXXXX") || fail "cannot write to $data"
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
echo "Fashion-MNIST is not in $*: fetching it from $authors" >&2
if ! from_authors; then
    echo "not reached: trying Debian's package $package" >&2
    from_debian || fail "Fashion-MNIST is not here and could not be fetched." \
        "On a machine with a network, get these from $authors (data/fashion):" \
        "    $(for file in $files; do printf '%s.gz ' "$file"; done)" \
        "and put them into $data/, or anywhere and set FMNIST_DIR to that directory."
fi
verify "$new"
for file in $files; do
    mv "$new/$file.gz" "$data/" || fail "cannot write to $data"
done
report "$data"
