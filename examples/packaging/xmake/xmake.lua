-- A package of the header in the clone that this file lies in. In a project's xmake.lua:
--
--     includes("fmnist_nn/examples/packaging/xmake")
--     add_requires("fmnist_nn")
--     target("app", {kind = "binary", files = "app.c", packages = "fmnist_nn"})
package("fmnist_nn")
    set_kind("library", {headeronly = true})
    set_description("Perceptrons and convolutional networks on the CPU, in one C header")
    set_license("MIT-0 OR Unlicense")
    set_sourcedir(path.join(os.scriptdir(), "..", "..", ".."))
    if not is_plat("windows") then
        add_syslinks("m")
    end
    on_install(function (package)
        os.cp("fmnist_nn.h", package:installdir("include"))
    end)
    on_test(function (package)
        assert(package:has_cfuncs("fnn_info", {includes = "fmnist_nn.h",
            configs = {defines = "FMNIST_NN_IMPLEMENTATION"}}))
    end)
package_end()
