# What the scripts in ci/ share; sourced with the source tree as the current
# directory.

# Prints its arguments on standard error, one a line.
say() { printf '%s\n' "$@" >&2; }

die() {
  say "ci/${0##*/}: $1" "${@:2}"
  exit 1
}

# Ends the script the way the eptdiff command ends on bad usage.
usage_error() {
  say "ci/${0##*/}: $1; try ci/${0##*/} --help"
  exit 2
}

# Prints the comment that the script begins with, if it is asked for --help.
help_is_the_comment() {
  [[ ${1-} == -h || ${1-} == --help ]] || return 0
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
  exit 0
}

have() { command -v "$1" >/dev/null; }

# absolute PATH FOLDER: PATH, which is relative to FOLDER unless it is absolute.
absolute() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$2/$1" ;;
  esac
}

# The folder for what is fetched or made once for all trees.
cache_folder() {
  [[ -n ${XDG_CACHE_HOME:-${HOME:-}} ]] ||
    die "neither HOME nor XDG_CACHE_HOME is set: name a directory"
  printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/eptdiff"
}

# The tracked files that match the given pathspecs (none: all), one a line. In a
# tree without Git's data (a tarball), whatever is there but build/. CI checks
# out as another user than it builds as, hence safe.directory.
tracked_files() {
  local git=(git -c "safe.directory=*")
  if have git && "${git[@]}" rev-parse --git-dir &>/dev/null; then
    "${git[@]}" ls-files -- "$@"
  else
    (($#)) || set -- '*'
    local pattern patterns=(-path "./$1")
    for pattern in "${@:2}"; do patterns+=(-o -path "./$pattern"); done
    find . -path ./build -prune -o -path ./.git -prune -o \
      -type f \( "${patterns[@]}" \) -printf '%P\n' | sort
  fi
}

# Configures the preset $1 and builds its targets $2... (none: all). Where CI has
# ccache, what it keeps serves a clone in whatever folder.
build() {
  local preset=$1
  shift
  if have ccache; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
    [[ ! ${CI-} ]] || export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  fi
  cmake --preset "$preset" &&
    cmake --build --preset "$preset" --parallel "$(jobs_to_run)" \
      ${1:+--target "$@"}
}

# As many as there are processors, unless CMake has been told otherwise.
jobs_to_run() { printf '%s\n' "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"; }

# each_at_once COMMAND ARGUMENT...: runs COMMAND once with each ARGUMENT, as many
# at once as there are processors. What one prints stays together. Fails if any
# fails.
each_at_once() {
  local command=$1 argument room said failed
  shift
  room=$(mktemp -d) || return
  for argument; do
    while (($(jobs -rp | wc -l) >= $(jobs_to_run))); do wait -n || :; done
    said=$(mktemp "$room/XXXXXX")
    {
      ("$command" "$argument") >"$said" 2>&1 || : >"$room/failed"
      flock "$room" cat "$said" >&2
    } &
  done
  wait
  failed=0
  [[ ! -e $room/failed ]] || failed=1
  rm -rf "$room"
  return "$failed"
}
