# For seats of C code that has the rest of a kernel around it; ci/seats sources
# it before a seat's `build`.

# stand_in_for_the_rest WHOLE.o ENTRIES OBJECT...: links the OBJECTs to WHOLE.o,
# without what the functions ENTRIES (one word, with commas) do not reach, if
# they are compiled with -ffunction-sections -fdata-sections; and stands in for
# what is reached and is not there: a function ends the process with its name, so
# that a call of it is a finding that says so; a variable is 4096 bytes of zeros.
# Whatever matters to the answers has to be defined in the OBJECTs, or where
# WHOLE.o is linked to.
stand_in_for_the_rest() {
  local whole=$1 entries=(-u "${2//,/ -u }")
  shift 2
  read -ra entries <<<"${entries[*]}"
  ld -r --gc-sections "${entries[@]}" -o "$whole.part.o" "$@"
  {
    printf '%s\n' 'extern int printf(const char*, ...);' \
      'extern void abort(void);' \
      '#define FUNCTION(name) __attribute__((weak)) void name(void) { \' \
      '  printf(#name "() is called, which the seat does not have\n"); \' \
      '  abort(); }' \
      '#define VARIABLE(name) \' \
      '  __attribute__((weak, aligned(64))) char name[4096];'
    # Relocations say what is reached, and as what: to be called (PLT32), or by
    # its address.
    readelf --wide --relocs "$whole.part.o" |
      awk -v names="$(nm -u "$whole.part.o" | awk '{ print $2 }')" '
        BEGIN {
          n = split(names, list, "\n")
          for (i = 1; i <= n; ++i) undefined[list[i]]
          split("abort dprintf getenv memcmp memcpy memmove memset printf", libc, " ")
          for (i in libc) delete undefined[libc[i]]
        }
        $5 ~ /^(__asan|__tsan|__ubsan|__sanitizer|__start_|__stop_|_GLOBAL)/ { next }
        $5 in undefined { reached[$5] }
        $5 in undefined && $3 != "R_X86_64_PLT32" { variable[$5] }
        END {
          for (name in reached)
            print (name in variable ? "VARIABLE" : "FUNCTION") "(" name ")"
        }' | sort
  } >"$whole.rest.c"
  "$CC" -c -fPIC -w -fno-builtin -o "$whole.rest.o" "$whole.rest.c"
  ld -r -o "$whole" "$whole.part.o" "$whole.rest.o"
}
