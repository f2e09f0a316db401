# Sourced by the scripts beside it: images in MNIST's and CIFAR-10's files, few and small, for
# programs that want some data.
# shellcheck shell=bash

be32() { # NUMBER...: big-endian
    local number
    for number; do
        # shellcheck disable=SC2059
        printf "$(printf '\\%o\\%o\\%o\\%o' $((number >> 24)) $((number >> 16 & 255)) \
            $((number >> 8 & 255)) $((number & 255)))"
    done
}
pixels() { # BYTES: some
    while cat fmnist_nn.h; do :; done 2>/dev/null | head -c "$1"
}
labels() { # COUNT: 0 to 9 in turn
    yes 0123456789 2>/dev/null | tr -d '\n' | tr 0-9 '\000-\011' | head -c "$1"
}
make_images() { # FOLDER [IMAGES]
    local part count
    mkdir -p "$1"
    for part in "train:${2:-300}" t10k:250; do
        count=${part#*:}
        { be32 2051 "$count" 28 28 && pixels $((count * 784)); } \
            >"$1/${part%:*}-images-idx3-ubyte"
        { be32 2049 "$count" && labels "$count"; } >"$1/${part%:*}-labels-idx1-ubyte"
    done
}
make_cifar10() { # FOLDER
    local file i
    mkdir -p "$1"
    for ((i = 0; i < 50; i++)); do
        labels $((i % 10 + 1)) | tail -c 1
        pixels $((3072 * (i + 1))) | tail -c 3072
    done >"$1/test_batch.bin"
    for file in 1 2 3 4 5; do cp "$1/test_batch.bin" "$1/data_batch_$file.bin"; done
}
