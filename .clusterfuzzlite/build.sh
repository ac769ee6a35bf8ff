#!/usr/bin/env bash
# Builds the fuzz targets for OSS-Fuzz and ClusterFuzzLite. Started in the
# source tree with their environment: CC, CXX, CFLAGS, CXXFLAGS,
# LIB_FUZZING_ENGINE, SANITIZER, WORK, OUT. What is instrumented, and how, is
# for CFLAGS and CXXFLAGS alone to say. ci/check_oss_fuzz plays the contract.
# EPTDIFF_SEEDS: a directory of seeds that somebody has made already.
set -euo pipefail

readonly build=$WORK/eptdiff seeds=${EPTDIFF_SEEDS:-$WORK/seeds}
targets=(eptdiff_fuzz_targets)
[[ ${EPTDIFF_SEEDS-} ]] || targets+=(write_seed_bytes)

# A build type that CMake does not know has no flags of its own: Release's -O3
# would come after the environment's -O1.
cmake -S . -B "$build" \
  -DCMAKE_BUILD_TYPE=Environment \
  -DEPTDIFF_FUZZERS=ON -DEPTDIFF_FUZZING_ENGINE="$LIB_FUZZING_ENGINE" \
  -DEPTDIFF_BOCHS=OFF -DEPTDIFF_WERROR=OFF -DEPTDIFF_PRECOMPILE=ON \
  -DEPTDIFF_TESTS=OFF -DEPTDIFF_COMMAND=OFF -DEPTDIFF_TABLE=OFF
cmake --build "$build" --parallel "$(nproc)" --target "${targets[@]}"
echo "build.sh: built without Bochs: engine and reference alone"

# LeakSanitizer does not work in every container; a profile would be litter.
if [[ ! ${EPTDIFF_SEEDS-} ]]; then
  mkdir -p "$seeds"
  ASAN_OPTIONS=detect_leaks=0 LLVM_PROFILE_FILE=/dev/null \
    "$build/fuzzers/write_seed_bytes" "$seeds"
fi

# Not decode_fuzzer: OSS-Fuzz refuses a build with a target in which it counts
# too few calls of UBSan's run-time library, and this one is that small. The
# others decode all their inputs, too.
find "$build" -name '*_fuzzer' -type f -executable | while read -r target; do
  name=${target##*/}
  [[ $name != decode_fuzzer ]] || continue
  cp "$target" "$OUT/$name"
  cp .clusterfuzzlite/case.dict "$OUT/$name.dict"
  cp .clusterfuzzlite/case.options "$OUT/$name.options"
  (cd "$seeds" && zip --quiet "$OUT/${name}_seed_corpus.zip" ./*)
done
