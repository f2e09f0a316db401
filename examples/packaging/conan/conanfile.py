"""A Conan 2 recipe, which takes the header of the clone that it lies in:

    conan create fmnist_nn/examples/packaging/conan
    conan install --requires=fmnist_nn/0.2.0 -g CMakeDeps -g PkgConfigDeps
"""

import os
import re

from conan import ConanFile
from conan.tools.files import copy, load


class FmnistNN(ConanFile):
    name = "fmnist_nn"
    description = "Perceptrons and convolutional networks on the CPU, in one C header"
    license = "MIT-0 OR Unlicense"
    package_type = "header-library"
    settings = "os"
    no_copy_source = True

    def _top(self):
        return os.path.join(self.recipe_folder, "..", "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._top(), "fmnist_nn.h"))
        self.version = re.search(r'^#define FNN_VERSION "(.*)"', header, re.M)[1]

    def export_sources(self):
        copy(self, "fmnist_nn.h", self._top(), self.export_sources_folder)

    def package(self):
        copy(self, "fmnist_nn.h", self.source_folder, os.path.join(self.package_folder, "include"))

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.bindirs = self.cpp_info.libdirs = []
        if self.settings.os != "Windows":
            self.cpp_info.system_libs = ["m"]
