#!/bin/bash
# examples/get_data.sh in every case that can be had without a network: curl, wget and apt-get
# are replaced by programs that fail, or that hand out what lies here.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$PWD/$build/get_data
rm -rf "$here"
mkdir -p "$here/project/examples" "$here/offline" "$here/authors" "$here/debian"
cp examples/get_data.sh "$here/project/examples/"
unset FMNIST_DIR

names='train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte
       t10k-labels-idx1-ubyte'
true_data=''
for directory in data /usr/share/datasets/fashion-mnist; do
    [ -f $directory/t10k-labels-idx1-ubyte.gz ] && true_data=$(cd $directory && pwd)
done

command_of() { # DIRECTORY NAME: the script on standard input becomes a command there
    cat >"$1/$2"
    chmod +x "$1/$2"
}
for name in curl wget apt-get; do
    echo 'echo "no network" >&2; exit 6' | command_of "$here/offline" $name
done
# A curl that knows one address; an apt-get whose package is here, but only after an update into
# lists that are not the system's.
command_of "$here/authors" curl <<E2
while [ \$# -gt 0 ]; do
    case \$1 in -o) out=\$2; shift ;; http*) name=\${1##*/} ;; esac
    shift
done
cp "\${SOURCE:-$true_data}/\$name" "\$out"
E2
cp "$here/offline/curl" "$here/offline/wget" "$here/debian/"
command_of "$here/debian" apt-get <<'E2'
for word; do
    case $word in
    Dir::State::lists=*) lists=${word#*=} ;;
    update) echo listed >"$lists/packages" ;;
    download) grep -q listed "$lists/packages" || exit 100
        touch dataset-fashion-mnist_1_all.deb ;;
    esac
done
E2
command_of "$here/debian" dpkg-deb <<E2
mkdir -p "\$3/usr/share/datasets/fashion-mnist"
cp "$true_data"/*.gz "\$3/usr/share/datasets/fashion-mnist/"
E2

# get NETWORK [VARIABLE=VALUE...] DIRECTORY...: the script with that directory of commands first.
get() {
    local network=$1 variables=()
    shift
    while [[ ${1:-} == *=* ]]; do variables+=("$1") && shift; done
    (cd "$here/project" &&
        env "${variables[@]}" PATH="$here/$network:$PATH" sh examples/get_data.sh "$@")
}
says() { # PATTERN COMMAND...
    local output
    output=$("${@:2}" 2>&1) && grep -qE -e "$1" <<<"$output" && return
    echo "expected $1, found: $output"
    return 1
}
gets_into_data() { # NETWORK [VARIABLE=VALUE...]
    rm -rf "$here/project/data"
    says '^Fashion-MNIST: data \(four files' get "$@" "$here/none" || return 1
    [ "$(find "$here/project/data" -type f | wc -l)" -eq 4 ] &&
        says '^Fashion-MNIST: data ' get offline
}
leaves_nothing() { # after a failure no file is in data/
    [ -z "$(find "$here/project/data" -mindepth 1 2>/dev/null)" ]
}

mkdir -p "$here/none" "$here/forged" "$here/three"
for name in $names; do
    echo forged >"$here/forged/$name"
    echo forged | gzip >"$here/forged/$name.gz"
done
cp "$here"/forged/t*-ubyte "$here/three/"
rm "$here/three/t10k-images-idx3-ubyte"

check 'help is what the script begins with' says '^    sh examples/get_data.sh .DIRECTORY' \
    get offline "$here/none" --help
check 'which finds nothing out' leaves_nothing
refuses 'help that is lost is no success' '.' eval 'get offline --help >/dev/full'
refuses 'an option that is none is no folder' 'unknown option --none' get offline --none
refuses 'without data and network it says what to do' 'set FMNIST_DIR' get offline "$here/none"
check 'and leaves nothing behind' leaves_nothing
refuses 'three files of four are not enough' 'is not in .*three' get offline "$here/three"
refuses 'FMNIST_DIR without the data' 'FMNIST_DIR is .*none' get offline FMNIST_DIR="$here/none"
refuses 'a forged file: its name and what was expected' \
    'forged/train-images-idx3-ubyte is not' get offline "$here/forged"
refuses 'what was expected' 'expected SHA-256 c59f468a2f672dc8' get offline "$here/forged"
refuses 'what was found' "found +SHA-256 $(echo forged | sha256sum | cut -c 1-64)" \
    get offline "$here/forged"
rm "$here"/forged/*-ubyte
refuses 'a forged .gz' 'train-images-idx3-ubyte.gz is not' get offline "$here/forged"
refuses 'a forged download' 'train-images-idx3-ubyte.gz is not' \
    get authors SOURCE="$here/forged" "$here/none"
check 'is not kept' leaves_nothing

if [ -n "$true_data" ]; then
    mkdir -p "$here/plain" "$here/short"
    for name in $names; do gzip -dc "$true_data/$name.gz" >"$here/plain/$name"; done
    cp "$true_data"/*.gz "$here/short/"
    head -c 4000000 "$true_data/t10k-images-idx3-ubyte.gz" >"$here/short/t10k-images-idx3-ubyte.gz"
    check 'the true files, packed' says '^Fashion-MNIST: /' get offline "$true_data"
    check 'the true files, plain' says '^Fashion-MNIST: /.*plain' get offline "$here/plain"
    check 'FMNIST_DIR goes first' says plain get offline FMNIST_DIR="$here/plain" "$true_data"
    refuses 'one of them cut short' 't10k-images-idx3-ubyte.gz is not' get offline "$here/short"
    check 'fetched from the authors' gets_into_data authors
    check "fetched from Debian's package" gets_into_data debian
    rm -rf "$here/plain" "$here/short" "$here/project/data"
else
    skip 'the true files' 'they are neither in data/ nor in /usr/share/datasets/fashion-mnist'
fi
summary
