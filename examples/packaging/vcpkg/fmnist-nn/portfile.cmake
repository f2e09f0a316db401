# An overlay port, which takes the header of the clone that it lies in:
#
#     vcpkg install fmnist-nn --overlay-ports=fmnist_nn/examples/packaging/vcpkg
#
# Then find_package(fmnist_nn CONFIG REQUIRED), target fmnist_nn::fmnist_nn.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../../.." ABSOLUTE)
file(INSTALL "${SOURCE_PATH}/fmnist_nn.h" DESTINATION "${CURRENT_PACKAGES_DIR}/include")
file(GLOB CONFIGS "${SOURCE_PATH}/examples/packaging/cmake/*.cmake")
file(INSTALL ${CONFIGS} DESTINATION "${CURRENT_PACKAGES_DIR}/share/fmnist_nn")

# The licence is the end of the header.
file(READ "${SOURCE_PATH}/fmnist_nn.h" HEADER)
string(FIND "${HEADER}" " * Licence: " LICENCE)
string(SUBSTRING "${HEADER}" ${LICENCE} -1 LICENCE)
file(WRITE "${CURRENT_PACKAGES_DIR}/share/fmnist-nn/copyright" "${LICENCE}")
