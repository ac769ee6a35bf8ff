# What is installed beside the command and the engine: headers for outside code,
# manual pages, completion, licence; and the .deb of all of it, which cpack
# makes. A test unpacks that and uses it.
include(GNUInstallDirs)
set(package_dir ${CMAKE_CURRENT_BINARY_DIR}/package)

# From what --help prints.
add_executable(eptdiff_write_manual package/write_manual.cc package/man_page.cc)
target_link_libraries(eptdiff_write_manual PRIVATE eptdiff_options absl::strings)
set(manual ${package_dir}/manual)
add_custom_command(
  OUTPUT ${manual}/eptdiff.1
  COMMAND eptdiff_write_manual $<TARGET_FILE:eptdiff> ${PROJECT_VERSION}
          ${manual}
  DEPENDS eptdiff eptdiff_write_manual
  COMMENT "Writing the manual pages"
  VERBATIM)
install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

set(package_files ${manual}/eptdiff.1)
foreach(completion bash:bash-completion/completions/eptdiff
                   zsh:zsh/vendor-completions/_eptdiff
                   fish:fish/vendor_completions.d/eptdiff.fish)
  string(REPLACE ":" ";" completion ${completion})
  list(GET completion 0 shell)
  list(GET completion 1 file)
  cmake_path(GET file PARENT_PATH folder)
  set(script ${package_dir}/${file})
  file(MAKE_DIRECTORY ${package_dir}/${folder})
  add_custom_command(
    OUTPUT ${script}
    COMMAND eptdiff completion ${shell} > ${script}
    DEPENDS eptdiff
    VERBATIM)
  install(FILES ${script} DESTINATION ${CMAKE_INSTALL_DATADIR}/${folder})
  list(APPEND package_files ${script})
endforeach()
add_custom_target(eptdiff_package_files ALL DEPENDS ${package_files})

# What outside code includes, and what it can begin with.
set(target_dir ${PROJECT_SOURCE_DIR}/oracle/target)
install(FILES ${target_dir}/eptdiff_builder.h ${target_dir}/eptdiff_mtrr.h
              ${target_dir}/eptdiff_stores.h ${target_dir}/eptdiff_target.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/eptdiff/oracle/target)
install(FILES ${target_dir}/eptdiff_stores.c
              ${target_dir}/examples/simple_builder.c
              ${target_dir}/examples/simple_walker.c
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
if(TARGET eptdiff_judge)
  foreach(example engine/c/examples/translate oracle/c/examples/judge_answer)
    foreach(language c py rs)
      install(FILES ${PROJECT_SOURCE_DIR}/${example}.${language}
              DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
    endforeach()
  endforeach()
endif()
# The pages that --help names, and those that they lead to, as links have them.
foreach(page engine engine/c oracle oracle/c oracle/processor
             oracle/processor/image oracle/target oracle/vectors)
  install(FILES ${PROJECT_SOURCE_DIR}/${page}/README.md
          DESTINATION ${CMAKE_INSTALL_DOCDIR}/${page})
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR}
        RENAME copyright)
get_property(bochs_licence GLOBAL PROPERTY EPTDIFF_BOCHS_LICENCE)
if(bochs_licence)
  install(FILES ${bochs_licence} DESTINATION ${CMAKE_INSTALL_DOCDIR}
          RENAME copyright.bochs)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME eptdiff)
set(CPACK_PACKAGE_CONTACT "the authors of eptdiff")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "differential tests of Intel EPT")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
include(CPack)
