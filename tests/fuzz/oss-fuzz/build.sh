#!/bin/bash -eu
# Builds the fuzz targets as OSS-Fuzz wants them: compilers, flags and the engine come by
# variables, programs, dictionaries and inputs go to $OUT. The project is $SRC/fmnist_nn or, without
# $SRC, the current directory.
cd "${SRC:+$SRC/fmnist_nn}" # an empty one: stays
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
# Once for all; without AVX-512, whose tiles take clang six minutes with the sanitizer.
# shellcheck disable=SC2086
compile() { $CC $CFLAGS -DFMNIST_NN_NO_AVX512 -DFMNIST_NN_IMPLEMENTATION -x c -c "$@"; }
compile -DFNNI_KERNELS_ALONE fmnist_nn.h -o "$objects/kernels.o"
compile -DFNNI_KERNELS_APART -DHAVE_ZLIB=1 tests/fuzz/seeds.c -o "$objects/seeds.o"
# shellcheck disable=SC2086
$CXX $CXXFLAGS "$objects/seeds.o" "$objects/kernels.o" -o "$objects/seeds" -l:libz.a -lm
"$objects/seeds" "$objects" # a folder a target
for archive in tests/fuzz/corpus/*.bin; do
    target=$(basename "$archive" .bin)
    compile -DFNNI_KERNELS_APART -DHAVE_ZLIB=1 "tests/fuzz/$target.c" -o "$objects/$target.o"
    # shellcheck disable=SC2086
    $CXX $CXXFLAGS "$objects/$target.o" "$objects/kernels.o" -o "$OUT/$target" \
        $LIB_FUZZING_ENGINE -l:libz.a -lm
    [ ! -f "tests/fuzz/$target.dict" ] || cp "tests/fuzz/$target.dict" "$OUT"
    mkdir -p "$objects/$target"
    (cd "$objects/$target" && ar x "$OLDPWD/$archive")
    find tests/fuzz/findings -name "$target-*" -exec cp {} "$objects/$target" \;
    zip -q -j -r "$OUT/${target}_seed_corpus.zip" "$objects/$target"
done
