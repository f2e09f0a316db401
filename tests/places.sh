# Sourced by the scripts beside it, behind $here: places where no result can be written, and that a
# program says so before its work, not after it.
# shellcheck shell=bash

places=$here/places
mkdir -p "$places/folder/control.csv" "$places/none"
echo old >"$places/plain"
mkdir -m 500 "$places/locked"
# Where no file can be made, and why.
bad_files() {
    echo "$places/missing/file No such file or directory"
    echo "$places/plain/file Not a directory"
    echo "$places/folder expected a file or nothing there, found a"
    echo "/dev/full expected a file or nothing there, found a"
    [ "$(id -u)" -eq 0 ] || echo "$places/locked/file Permission denied" # root may write there
}
# Where no folder can be made, or used.
bad_folders() {
    echo "$places/missing/folder No such file or directory"
    echo "$places/plain/folder Not a directory"
    echo "$places/plain Not a directory"
    echo "$places/folder control.csv: expected a file or nothing there, found a"
    [ "$(id -u)" -eq 0 ] || echo "$places/locked Permission denied"
}
# The work begins by reading data, which are nowhere here: that it does not come so far shows that
# the path was tried before.
refused_at_once() { # PATTERN COMMAND...
    local pattern=$1 output status
    shift
    output=$(env MNIST=1 FMNIST_DIR="$places/none" "$@" 2>&1)
    status=$?
    [ $status -eq 1 ] && grep -qE -e "$pattern" <<<"$output" && ! grep -q none <<<"$output" &&
        return
    echo "expected status 1, $pattern and no word of the data; found status $status, $output"
    return 1
}
refuses_bad() { # files|folders COMMAND...: with each of them as its last argument
    local kind=$1 path why
    shift
    refused_at_once 'cannot be made|found an empty (one|text)' "$@" '' || return 1
    while read -r path why; do
        refused_at_once "$path.*$why" "$@" "$path" || return 1
    done < <("bad_$kind")
}
# Nothing else is in these places, and the old file is as it was.
untouched() {
    find "$places"
    [ "$(cat "$places/plain")" = old ] && [ "$(find "$places" | wc -l)" -eq 6 ]
}
# A disk that takes no more than so many KB of a file.
on_a_full_disk() { # KB COMMAND...
    (trap '' XFSZ && ulimit -f "$1" && "${@:2}")
}
