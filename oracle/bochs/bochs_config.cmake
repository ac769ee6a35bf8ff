# bochs_write_config(SOURCE DIRECTORY): writes DIRECTORY/config.h, the header
# that Bochs's `configure` would make from SOURCE/config.h.in.
#
# Substituting here instead of running `configure` takes milliseconds where that
# takes half a minute, needs no tool beyond CMake, and never looks at what else
# is installed. A name that config.h.in does not have ends the configuration:
# another release of Bochs gets attention, not silence.

# The processor: VMX with EPT, CET and protection keys, nothing else that an
# EPT walk could not notice. --enable-cpu-level=6 --enable-x86-64
# --enable-vmx=2 --enable-cet --enable-protection-keys
# --enable-long-phy-address --disable-logging --with-nogui.
set(bochs_settings
  BX_CPU_LEVEL=6 BX_SUPPORT_X86_64=1 BX_PHY_ADDRESS_LONG=1 BX_SUPPORT_FPU=1
  BX_SUPPORT_VMX=2 BX_SUPPORT_CET=1 BX_SUPPORT_PKEYS=1
  BX_NO_LOGGING=1 BX_WITH_NOGUI=1
  # No A20 gate: an address line that the SDM's EPT does not have.
  BX_SUPPORT_A20=0)

# The host: a 64-bit POSIX system with a C99 library, which is checked below.
list(APPEND bochs_settings
  SIZEOF_UNSIGNED_CHAR=1 SIZEOF_UNSIGNED_SHORT=2 SIZEOF_UNSIGNED_INT=4
  SIZEOF_UNSIGNED_LONG=8 SIZEOF_UNSIGNED_LONG_LONG=8 SIZEOF_INT_P=8
  BX_HAVE_ABORT=1 BX_HAVE_GETENV=1 BX_HAVE_GETTIMEOFDAY=1 BX_HAVE_MKSTEMP=1
  BX_HAVE_MKTIME=1 BX_HAVE_NANOSLEEP=1 BX_HAVE_SELECT=1 BX_HAVE_SETENV=1
  BX_HAVE_SLEEP=1 BX_HAVE_SNPRINTF=1 BX_HAVE_SOCKLEN_T=1 BX_HAVE_SSIZE_T=1
  BX_HAVE_STRCASECMP=1 BX_HAVE_STRDUP=1 BX_HAVE_STRTOULL=1
  BX_HAVE_SYS_MMAN_H=1 BX_HAVE_USLEEP=1 BX_HAVE_VSNPRINTF=1
  BX_HAVE_SET=1 BX_HAVE_MAP=1
  BX_HAVE___BUILTIN_BSWAP32=1 BX_HAVE___BUILTIN_BSWAP64=1)

function(bochs_write_config source directory)
  if(NOT CMAKE_SIZEOF_VOID_P EQUAL 8 OR NOT UNIX)
    message(FATAL_ERROR "Bochs is built on 64-bit POSIX systems only; "
                        "configure with -DEPTDIFF_BOCHS=OFF elsewhere")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
               ${source}/config.h.in)
  # As one string, semicolons and brackets kept, since it is C and no list.
  file(READ ${source}/config.h.in text)
  foreach(setting IN LISTS bochs_settings)
    string(REPLACE "=" ";" setting ${setting})
    list(GET setting 0 name)
    list(GET setting 1 value)
    string(REGEX REPLACE "(\n#define ${name}[ \t]+)[0-9]+" "\\1${value}"
           changed "${text}")
    if(changed STREQUAL text)
      message(FATAL_ERROR "${source}/config.h.in has no '#define ${name}': "
                          "this is no Bochs that eptdiff knows (3.0)")
    endif()
    set(text "${changed}")
  endforeach()
  file(CONFIGURE OUTPUT ${directory}/config.h CONTENT "${text}" @ONLY)
endfunction()
