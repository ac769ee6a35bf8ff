# The package eptdiff-engine, as installed: eptdiff::engine and, if it was built
# and Abseil is found, eptdiff::table.
include("${CMAKE_CURRENT_LIST_DIR}/eptdiff-engine-targets.cmake")
if(EXISTS "${CMAKE_CURRENT_LIST_DIR}/eptdiff-table-targets.cmake")
  find_package(absl QUIET)
  if(absl_FOUND)
    include("${CMAKE_CURRENT_LIST_DIR}/eptdiff-table-targets.cmake")
  endif()
endif()
