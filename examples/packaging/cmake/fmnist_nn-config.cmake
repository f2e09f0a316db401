# For find_package(fmnist_nn): makes the target fmnist_nn::fmnist_nn, the header and libm. One .c or
# .cpp file of the program defines FMNIST_NN_IMPLEMENTATION; link OpenMP::OpenMP_C for threads.
include("${CMAKE_CURRENT_LIST_DIR}/fmnist_nn-header.cmake")
if(NOT TARGET fmnist_nn::fmnist_nn)
  add_library(fmnist_nn::fmnist_nn INTERFACE IMPORTED GLOBAL)
  set_property(TARGET fmnist_nn::fmnist_nn PROPERTY INTERFACE_INCLUDE_DIRECTORIES
                                                    "${fmnist_nn_INCLUDE_DIR}")
  if(NOT MSVC)
    set_property(TARGET fmnist_nn::fmnist_nn PROPERTY INTERFACE_LINK_LIBRARIES m)
  endif()
endif()
