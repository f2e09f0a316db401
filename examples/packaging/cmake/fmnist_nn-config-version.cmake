# Which versions find_package may ask for. Before 1.0 a new second number may change the API.
include("${CMAKE_CURRENT_LIST_DIR}/fmnist_nn-header.cmake")
set(PACKAGE_VERSION "${fmnist_nn_VERSION}")
string(REGEX MATCH "^[0-9]+[.][0-9]+" fmnist_nn_series "${PACKAGE_VERSION}")
if("${PACKAGE_FIND_VERSION}" VERSION_LESS_EQUAL "${PACKAGE_VERSION}"
   AND "${PACKAGE_FIND_VERSION}" VERSION_GREATER_EQUAL "${fmnist_nn_series}")
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if("${PACKAGE_FIND_VERSION}" VERSION_EQUAL "${PACKAGE_VERSION}")
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
