# Shared libraries with a C interface: of what they are made of, others see the
# functions of one header alone.
include(GNUInstallDirs)

# eptdiff_c_library(NAME FILE HEADER PREFIX SOURCE...): libFILE.so from these
# sources. The version in its name and in its symbols is the ABI that HEADER
# defines as <PREFIX>_ABI; exported is what begins with prefix_ in small letters.
function(eptdiff_c_library name file header prefix)
  file(STRINGS ${header} abi REGEX "^#define ${prefix}_ABI [0-9]+$")
  string(REGEX MATCH "[0-9]+$" abi "${abi}")
  if(abi STREQUAL "")
    message(FATAL_ERROR "${header} does not define ${prefix}_ABI")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
  string(TOLOWER ${prefix} functions)
  set(map ${CMAKE_CURRENT_BINARY_DIR}/${file}.map)
  file(CONFIGURE OUTPUT ${map} CONTENT
       "@prefix@_@abi@ { global: @functions@_*; local: *; };\n" @ONLY)

  add_library(${name} SHARED ${ARGN})
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:eptdiff_options>)
  target_compile_definitions(${name} PRIVATE
                             EPTDIFF_VERSION="${PROJECT_VERSION}")
  set_target_properties(${name} PROPERTIES
    OUTPUT_NAME ${file} SOVERSION ${abi} VERSION ${abi}.${PROJECT_VERSION}
    LINK_DEPENDS ${map})
  target_link_options(${name} PRIVATE
    -Wl,--version-script=${map} -Wl,-z,defs -Wl,-z,now)
  if(EPTDIFF_STATIC)
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
  target_include_directories(${name} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/eptdiff>)
endfunction()

# eptdiff_pkg_config(NAME FILE WORDS COMPONENT): NAME.pc for libFILE.so, which
# works from wherever it is installed.
function(eptdiff_pkg_config name file words component)
  set(folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  file(RELATIVE_PATH up /prefix/${folder} /prefix)
  string(REGEX REPLACE "/$" "" up ${up})
  set(pc ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc)
  file(CONFIGURE OUTPUT ${pc} CONTENT "\
prefix=\${pcfiledir}/@up@
Name: @name@
Description: @words@
Version: @PROJECT_VERSION@
Cflags: -I\${prefix}/@CMAKE_INSTALL_INCLUDEDIR@/eptdiff
Libs: -L\${prefix}/@CMAKE_INSTALL_LIBDIR@ -l@file@
" @ONLY)
  install(FILES ${pc} DESTINATION ${folder} COMPONENT ${component})
endfunction()

# eptdiff_c_tests(SUITE LIBRARY HEADER): what it exports is what the header
# declares, and the header is C99 and C++ to every compiler here.
function(eptdiff_c_tests suite library header)
  set(scripts ${PROJECT_SOURCE_DIR}/engine/c)
  add_test(NAME ${suite}.ExportsWhatTheHeaderDeclares
           COMMAND ${scripts}/exports_test $<TARGET_FILE:${library}> ${header})
  add_test(NAME ${suite}.TheHeaderIsC99AndCxx
           COMMAND ${scripts}/header_test ${header})
endfunction()

# eptdiff_c_examples(SUITE LIBRARY FILE FOLDER EXAMPLE SAYS): EXAMPLE.c, .py and
# .rs of FOLDER, each run against the library, each has to say SAYS. Python and
# Rust where they are.
function(eptdiff_c_examples suite library file folder example says)
  add_executable(${library}_example ${folder}/${example}.c)
  target_link_libraries(${library}_example PRIVATE ${library})
  target_compile_options(${library}_example PRIVATE
                         -Wall -Wextra -Wpedantic -Werror)
  set_target_properties(${library}_example PROPERTIES
                        C_STANDARD 99 C_EXTENSIONS OFF)
  add_test(NAME ${suite}.CExample COMMAND ${library}_example)
  add_test(NAME ${suite}.PythonExample
           COMMAND ${PROJECT_SOURCE_DIR}/engine/c/example_test python
                   ${folder}/${example}.py $<TARGET_FILE:${library}>
                   ${CMAKE_CURRENT_BINARY_DIR})
  add_test(NAME ${suite}.RustExample
           COMMAND ${PROJECT_SOURCE_DIR}/engine/c/example_test rust
                   ${folder}/${example}.rs $<TARGET_LINKER_FILE:${library}>
                   ${CMAKE_CURRENT_BINARY_DIR})
  foreach(language C Python Rust)
    set_tests_properties(${suite}.${language}Example PROPERTIES
      PASS_REGULAR_EXPRESSION "${says}"
      SKIP_REGULAR_EXPRESSION "^not installed: ")
  endforeach()
endfunction()
