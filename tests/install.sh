#!/bin/bash
# The ways to get the library: what `make install` puts where, whether pkg-config, CMake and Meson
# find it there, FetchContent in a clone, and what can be tried of the recipes for vcpkg, Conan and
# xmake without these tools.
# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
here=$PWD/$build/install
rm -rf "$here"
mkdir -p "$here"
packaging=$PWD/examples/packaging
version=$(sed -n 's/^#define FNN_VERSION "\(.*\)"/\1/p' fmnist_nn.h)
# A small library, since not what it computes is asked here but whether it is found.
small='-DFMNIST_NN_INFERENCE -DFMNIST_NN_NO_SIMD'

makes() { make --no-print-directory "$@" DESTDIR="$here/root" PREFIX=/opt/fmnist_nn; }
installed() { (cd "$here/root" && find . -type f | sort); }
puts_there() { # FILE...
    diff <(printf './opt/fmnist_nn/%s\n' "$@") <(installed)
}
leaves_nothing() { ! installed | grep .; }

# The user's program, which finds the header on the way that is tried.
says_right() { "$@" | tee "$here/said" | grep -q right || { cat "$here/said" && false; }; }

# shellcheck disable=SC2046,SC2086
by_pkg_config() { # [LEAST-VERSION]
    pkg-config --print-errors --exists "fmnist_nn >= ${1:-0}" || return 1
    [ "$(pkg-config --modversion fmnist_nn)" = "$version" ] || return 1
    $CC -O1 $small '-DAPP_HEADER=<fmnist_nn.h>' $(pkg-config --cflags fmnist_nn) "$here/app.c" \
        -o "$here/by_pkg_config" $(pkg-config --libs fmnist_nn) && says_right "$here/by_pkg_config"
}

# A CMake project that gets the library by these lines.
by_cmake() { # NAME LINE...
    local name=$1
    shift
    rm -rf "${here:?}/$name"
    mkdir "$here/$name"
    {
        echo 'cmake_minimum_required(VERSION 3.14)'
        echo 'project(app C)'
        printf '%s\n' "$@"
        echo "add_executable(app $here/app.c)"
        echo 'target_link_libraries(app PRIVATE fmnist_nn::fmnist_nn)'
        echo "target_compile_options(app PRIVATE -O1 $small -DAPP_HEADER=<fmnist_nn.h>)"
    } >"$here/$name/CMakeLists.txt"
    cmake -S "$here/$name" -B "$here/$name/build" >"$here/$name/log" 2>&1 &&
        cmake --build "$here/$name/build" >>"$here/$name/log" 2>&1 &&
        says_right "$here/$name/build/app" && return
    tail -n 20 "$here/$name/log"
    return 1
}

by_meson() { # LEAST-VERSION
    rm -rf "$here/meson"
    mkdir "$here/meson"
    cp "$here/app.c" "$here/meson/"
    {
        echo "project('app', 'c')"
        echo "nn = dependency('fmnist_nn', version: '>=$1')"
        echo "flags = '$small -DAPP_HEADER=<fmnist_nn.h>'.split()"
        echo "executable('app', 'app.c', dependencies: nn, c_args: flags)"
    } >"$here/meson/meson.build"
    meson setup "$here/meson/build" "$here/meson" && ninja -C "$here/meson/build" &&
        says_right "$here/meson/build/app"
}

# ---- make install ----

cp tests/app.c "$here/app.c"
check 'make install' makes install
check 'puts the header, and what finds it, there' puts_there include/fmnist_nn.h \
    share/cmake/fmnist_nn/fmnist_nn-config{-version,}.cmake \
    share/cmake/fmnist_nn/fmnist_nn-header.cmake share/pkgconfig/fmnist_nn.pc
refuses 'a file too many is seen' 'fmnist_nn.pc' puts_there include/fmnist_nn.h \
    share/cmake/fmnist_nn/fmnist_nn-config{-version,}.cmake \
    share/cmake/fmnist_nn/fmnist_nn-header.cmake
check 'the header as it is' cmp fmnist_nn.h "$here/root/opt/fmnist_nn/include/fmnist_nn.h"

# From a clone that nobody else may read, over what an earlier one has left in the same way.
private_clone() { # MAKEFILE
    rm -rf "$here/clone"
    (
        umask 077
        mkdir -p "$here/clone/examples"
        cp fmnist_nn.h "$here/clone/" && cp "$1" "$here/clone/Makefile"
        cp -r examples/packaging "$here/clone/examples/"
        chmod -R go= "$here/clone"
    )
}
readable() { # MAKEFILE: every file has 644, every folder 755
    local root=$here/private found
    rm -rf "$root"
    private_clone "$1"
    for _ in first again; do
        (umask 077 && make -s -C "$here/clone" install DESTDIR="$root" PREFIX=/p) || return 1
        found=$(find "$root/p" -type f ! -perm 644 -o -type d ! -perm 755) || return 1
        [ -z "$found" ] && [ -f "$root/p/include/fmnist_nn.h" ] ||
            { echo "found $found" && return 1; }
        find "$root/p" -type f -exec chmod 600 {} +
    done
}
check 'everybody may read it, whatever the clone allows' readable Makefile
sed 's/install -m 644/cp/' Makefile >"$here/copies.mk"
refuses 'where one may not is seen' '/include/fmnist_nn.h$' readable "$here/copies.mk"
sed "/rm -f '.*fmnist_nn.pc' &&/d" Makefile >"$here/stays.mk"
refuses 'also where an old file keeps its mode' 'found .*/fmnist_nn.pc$' readable "$here/stays.mk"

export PKG_CONFIG_PATH=$here/root/opt/fmnist_nn/share/pkgconfig
if have pkg-config; then
    check 'pkg-config finds it' by_pkg_config
    refuses 'not a version that is not there' 'fmnist_nn.*>= 99' by_pkg_config 99
else
    skip pkg-config 'this machine has no pkg-config'
fi

prefix="set(CMAKE_PREFIX_PATH $here/root/opt/fmnist_nn)"
if have cmake; then
    check 'CMake finds it' by_cmake found "$prefix" "find_package(fmnist_nn ${version%.*} REQUIRED)"
    refuses 'not a newer one' 'compatible with requested version "99.0"' \
        by_cmake newer "$prefix" 'find_package(fmnist_nn 99.0 REQUIRED)'
    refuses 'nor one of another API' 'compatible with requested version "0.1"' \
        by_cmake older "$prefix" 'find_package(fmnist_nn 0.1 REQUIRED)'
    check 'FetchContent takes a clone' by_cmake fetched 'include(FetchContent)' \
        "FetchContent_Declare(fmnist_nn SOURCE_DIR $PWD SOURCE_SUBDIR examples/packaging/cmake)" \
        'FetchContent_MakeAvailable(fmnist_nn)'
    refuses 'without its subdirectory there is no target' 'fmnist_nn::fmnist_nn' \
        by_cmake top 'include(FetchContent)' "FetchContent_Declare(fmnist_nn SOURCE_DIR $PWD)" \
        'FetchContent_MakeAvailable(fmnist_nn)'
else
    skip CMake 'this machine has no cmake'
fi

if ! have meson || ! have pkg-config || ! have ninja; then
    skip Meson 'this machine has no meson, ninja or pkg-config'
else
    check 'Meson finds it' by_meson "$version"
    refuses 'not a newer one' "need: '>=99'" by_meson 99
fi

# ---- recipes ----

# The port's steps are CMake's own commands, which it runs without vcpkg; what they install is a
# tree in which find_package looks as in vcpkg's.
port() { # PORT-DIRECTORY
    rm -rf "$here/vcpkg"
    cmake -DCURRENT_PACKAGES_DIR="$here/vcpkg" -P "$1/portfile.cmake" || return 1
    grep -q 'MIT No Attribution' "$here/vcpkg/share/fmnist-nn/copyright" || return 1
    by_cmake port "set(CMAKE_PREFIX_PATH $here/vcpkg)" 'find_package(fmnist_nn REQUIRED)'
}
# shellcheck disable=SC2016
manifest() { # FILE
    {
        printf 'file(READ %s text)\n' "$1"
        echo 'string(JSON name GET "${text}" name)'
        echo 'string(JSON version GET "${text}" version)'
        echo "if(NOT name STREQUAL fmnist-nn OR NOT version STREQUAL $version)"
        echo "message(FATAL_ERROR \"expected fmnist-nn $version, found \${name} \${version}\")"
        echo 'endif()'
    } >"$here/manifest.cmake"
    cmake -P "$here/manifest.cmake"
}
if have cmake; then
    check 'the steps of the port for vcpkg' port "$packaging/vcpkg/fmnist-nn"
    check 'its manifest has the version of the header' manifest \
        "$packaging/vcpkg/fmnist-nn/vcpkg.json"
    sed 's/"version": "[0-9.]*/&9/' "$packaging/vcpkg/fmnist-nn/vcpkg.json" >"$here/vcpkg.json"
    refuses 'another version is seen' "found fmnist-nn ${version}9" manifest "$here/vcpkg.json"
else
    skip vcpkg 'this machine has no cmake'
fi

# Conan's recipe is Python; what it asks Conan for is three functions, here with their meaning.
recipe() { # CONANFILE
    mkdir -p "$here/conan/conan/tools" "$here/conan/sources" "$here/conan/package"
    echo 'class ConanFile: pass' >"$here/conan/conan/__init__.py"
    : >"$here/conan/conan/tools/__init__.py"
    {
        echo 'import os, shutil'
        echo 'def load(recipe, path): return open(path).read()'
        echo 'def copy(recipe, name, source, target):'
        echo '    os.makedirs(target, exist_ok=True)'
        echo '    shutil.copy(os.path.join(source, name), target)'
    } >"$here/conan/conan/tools/files.py"
    {
        echo 'import os, runpy, sys'
        echo 'recipe = runpy.run_path(sys.argv[1])["FmnistNN"]()'
        echo 'recipe.recipe_folder = os.path.dirname(sys.argv[1])'
        echo 'recipe.source_folder = recipe.export_sources_folder = sys.argv[2] + "/sources"'
        echo 'recipe.package_folder = sys.argv[2] + "/package"'
        echo 'recipe.set_version(), recipe.export_sources(), recipe.package()'
        echo 'print(recipe.name, recipe.version)'
    } >"$here/conan/run.py"
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here/conan python3 "$here/conan/run.py" "$1" \
        "$here/conan" | grep -x "fmnist_nn $version" &&
        cmp fmnist_nn.h "$here/conan/package/include/fmnist_nn.h"
}
if have python3; then
    check "the steps of Conan's recipe" recipe "$packaging/conan/conanfile.py"
    sed 's/copy(self, "fmnist_nn.h", self.so/copy(self, "nn.h", self.so/' \
        "$packaging/conan/conanfile.py" >"$here/conanfile.py"
    mkdir -p "$here/a/b/c"
    cp fmnist_nn.h "$here/"
    mv "$here/conanfile.py" "$here/a/b/c/"
    refuses 'a file that is not there is missed' 'sources/nn\.h' recipe "$here/a/b/c/conanfile.py"
else
    skip Conan 'this machine has no python3'
fi

luac=''
for name in luac luac5.4 luac5.3 luac5.1; do have $name && luac=$name && break; done
if [ -n "$luac" ]; then
    check "xmake's recipe is Lua" $luac -p "$packaging/xmake/xmake.lua"
    sed '/^    end)/d' "$packaging/xmake/xmake.lua" >"$here/xmake.lua"
    refuses 'a function without its end is seen' 'expected' $luac -p "$here/xmake.lua"
else
    skip xmake 'this machine has no luac'
fi

check 'make uninstall' makes uninstall
check 'leaves nothing' leaves_nothing
summary
