# The package: find_package(eptdiff-engine), then link eptdiff::engine,
# eptdiff::cache, or eptdiff::table, which is there if it was built and Abseil is found. And the
# examples, which use it: in the tree, and as a stranger would, installed.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/eptdiff-engine)
install(EXPORT eptdiff-engine FILE eptdiff-engine-targets.cmake
        NAMESPACE eptdiff:: DESTINATION ${package_dir}
        COMPONENT eptdiff-engine)
if(EPTDIFF_TABLE)
  install(EXPORT eptdiff-table FILE eptdiff-table-targets.cmake
          NAMESPACE eptdiff:: DESTINATION ${package_dir}
          COMPONENT eptdiff-engine)
endif()
install(FILES eptdiff-engine-config.cmake DESTINATION ${package_dir}
        COMPONENT eptdiff-engine)
write_basic_package_version_file(
  ${CMAKE_CURRENT_BINARY_DIR}/eptdiff-engine-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/eptdiff-engine-config-version.cmake
        DESTINATION ${package_dir} COMPONENT eptdiff-engine)

if(NOT EPTDIFF_TESTS)
  return()
endif()

# EngineExample.<example>, in the tree; and what it says.
set(translate_says "GPA 1234H is HPA 40001234H")
set(describe_violation_says
    "^user-mode write, refused after 4-level paging, EPT allows r-x\n\
user-mode access of unknown kind, refused within 4-level paging, \
EPT allows ---\n$")
set(keep_translations_says "^GPA 1234H is HPA 40001234H
moved, it is 40001234H
after INVEPT, it is 80001234H
$")
foreach(example translate describe_violation keep_translations)
  add_executable(${example}_example examples/${example}.cc)
  target_link_libraries(${example}_example PRIVATE
    eptdiff_options eptdiff::cache)
  add_test(NAME EngineExample.${example} COMMAND ${example}_example)
  set_tests_properties(EngineExample.${example} PROPERTIES
    PASS_REGULAR_EXPRESSION "${${example}_says}")
endforeach()

if(EPTDIFF_TABLE)
  set(build_tables_says "GPA 7FFFFFFFH is HPA BFFFFFFFH under EPTP .*05EH")
  add_executable(build_tables_example examples/build_tables.cc)
  target_link_libraries(build_tables_example PRIVATE
    eptdiff_options eptdiff::table)
  add_test(NAME EngineExample.build_tables COMMAND build_tables_example)
  set_tests_properties(EngineExample.build_tables PROPERTIES
    PASS_REGULAR_EXPRESSION "${build_tables_says}")
endif()

# The package, installed and used as a stranger would: from the .deb of
# everything where that is made (fuzzers/command/package), else from the engine's
# own component.
find_program(EPTDIFF_DPKG_DEB dpkg-deb)
mark_as_advanced(EPTDIFF_DPKG_DEB)
if(EPTDIFF_COMMAND AND EPTDIFF_DPKG_DEB AND NOT EPTDIFF_SANITIZE)
  set(scratch ${PROJECT_BINARY_DIR}/package)
  set(package_prefix ${scratch}/unpacked/usr)
  add_test(NAME EnginePackage.Installs
    COMMAND ${PROJECT_SOURCE_DIR}/fuzzers/command/package/package_test
            ${PROJECT_BINARY_DIR} ${scratch})
  # By dpkg, in a system that has the C library alone.
  add_test(NAME EnginePackage.IsInstalledByDpkg
    COMMAND ${PROJECT_SOURCE_DIR}/fuzzers/command/package/installed_test
            ${scratch}/made ${scratch}/installed_by_dpkg)
  set_tests_properties(EnginePackage.IsInstalledByDpkg PROPERTIES
    FIXTURES_REQUIRED eptdiff_engine_package SKIP_RETURN_CODE 77)
else()
  set(package_prefix ${CMAKE_CURRENT_BINARY_DIR}/package)
  add_test(NAME EnginePackage.Installs
    COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR}
            --component eptdiff-engine --prefix ${package_prefix})
endif()
set(link_flags "")
if(EPTDIFF_SANITIZE)
  set(link_flags -fsanitize=${EPTDIFF_SANITIZE})
endif()
add_test(NAME EnginePackage.IsFoundAndWorks
  COMMAND ${CMAKE_CTEST_COMMAND}
          --build-and-test ${CMAKE_CURRENT_SOURCE_DIR}/examples
                           ${CMAKE_CURRENT_BINARY_DIR}/package_example
          --build-generator ${CMAKE_GENERATOR}
          --build-options -DCMAKE_PREFIX_PATH=${package_prefix}
                          -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
                          -DCMAKE_CXX_FLAGS=${CMAKE_CXX_FLAGS}
                          -DCMAKE_EXE_LINKER_FLAGS=${link_flags}
          --test-command translate)
set_tests_properties(EnginePackage.Installs PROPERTIES
  FIXTURES_SETUP eptdiff_engine_package)
set_tests_properties(EnginePackage.IsFoundAndWorks PROPERTIES
  FIXTURES_REQUIRED eptdiff_engine_package)
set_tests_properties(EnginePackage.IsFoundAndWorks PROPERTIES
  PASS_REGULAR_EXPRESSION "${translate_says}")
if(EPTDIFF_TABLE)
  add_test(NAME EnginePackage.BuildsTables
    COMMAND ${CMAKE_CURRENT_BINARY_DIR}/package_example/build_tables)
  set_tests_properties(EnginePackage.IsFoundAndWorks PROPERTIES
    FIXTURES_SETUP eptdiff_package_example)
  set_tests_properties(EnginePackage.BuildsTables PROPERTIES
    FIXTURES_REQUIRED eptdiff_package_example
    PASS_REGULAR_EXPRESSION "${build_tables_says}")
endif()
