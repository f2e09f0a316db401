#!/bin/bash
# The page of examples/web in headless Chromium, on a desktop's screen and on a phone's: it trains,
# draws, is used by keys; broken pages must be noticed. Screenshots: build/web-*.png. Three minutes
# on two cores that do nothing else.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$build/web
rm -rf "$here"
mkdir -p "$here"

drive() { # SCREEN [PATH=FILE]
    node tests/web.mjs build/web "$@"
}

# The same page, but with one line of web.c changed.
other() { # NAME SED
    sed -e "$2" -e 's|"../../fmnist_nn.h"|"fmnist_nn.h"|' examples/web/web.c >"$here/$1.c"
    clang --target=wasm32-wasi -mexec-model=reactor -msimd128 -O1 -s -I. \
        -Wl,-z,stack-size=1048576,--stack-first "$here/$1.c" -lm -o "$here/$1.wasm"
}

small() { # FILE BYTES
    [ "$(wc -c <"$1")" -le "$2" ] || { wc -c "$1" && false; }
}

group wasm
for tool in chromium chromedriver; do
    have $tool || reason="no $tool"
done
if [ -n "$reason" ]; then
    skip 'the page in the browser' "$reason"
    summary
    exit
fi

check 'make web' make --no-print-directory web
check 'the module has at most 400 kB' small build/web/web.wasm 400000
check 'on a desktop it learns, draws and takes keys' drive desktop
check 'and on a phone' drive phone
refuses 'a page without its data says so' 'the page says: data/t10k-.* is missing .404.' \
    drive phone data/t10k-images-idx3-ubyte.gz=
refuses 'and one without its module' 'web.wasm is missing .404.' drive phone web.wasm=
echo 'no data' | gzip >"$here/images.gz"
refuses 'data that are none are refused by the library' 'the page says: .*train-images' \
    drive phone "data/train-images-idx3-ubyte.gz=$here/images.gz"
check 'a module that does not learn' other still 's/rate = 4e-3/rate = 0/'
refuses 'is noticed' 'test accuracy: expected at least' drive phone "web.wasm=$here/still.wasm"
check 'a module that looks elsewhere' other blind \
    's/_one_bytes(model, context, picture/_one_bytes(model, context, test.bytes/'
refuses 'is noticed, too' 'pictures that are right' drive phone "web.wasm=$here/blind.wasm"
summary
