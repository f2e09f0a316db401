# Where the header is, seen from these files, and its version: in a clone, in what `make install`
# makes, and in a tree of vcpkg's.
foreach(fmnist_nn_at IN ITEMS ../../.. ../../../include ../../include)
  if(EXISTS "${CMAKE_CURRENT_LIST_DIR}/${fmnist_nn_at}/fmnist_nn.h")
    get_filename_component(fmnist_nn_INCLUDE_DIR "${CMAKE_CURRENT_LIST_DIR}/${fmnist_nn_at}"
                           ABSOLUTE)
  endif()
endforeach()
file(STRINGS "${fmnist_nn_INCLUDE_DIR}/fmnist_nn.h" fmnist_nn_VERSION
     REGEX "^#define FNN_VERSION ")
string(REGEX REPLACE "[^0-9.]" "" fmnist_nn_VERSION "${fmnist_nn_VERSION}")
