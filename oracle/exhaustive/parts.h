// The exhaustive check in parts, each some seconds to some minutes long, which
// may run in any order and at the same time in several processes.
//
//   entries-<level>-<setting>   every shape of one entry, for each access,
//                               under each of the chosen settings
//   accesses-<level>-<setting>  few patterns of one entry, for the accesses
//   that
//                               are made seldom (RareAccessesOf)
//   settings-<level>-<n>        every setting (those of chunk n), with one
//                               shape of each class but those of most memory
//                               types, which no setting tells apart
//   pairs-<upper>-<lower>       every pair of classes at two levels, under each
//                               of the chosen settings. An upper entry that
//                               ends the walk meets three lower ones: they are
//                               not read.
//   entry-<space>               VM entry in every state of a space of controls
//                               and guests (entry_states.h); only for oracles
//                               that model it
// Left out: three restricted entries together, since rights are a matter of
// AND, and flags of each entry for itself.
//
// This folder uses engine and Bochs as oracles, and the reference. Begin with
// shapes.h (what an entry may hold), world.h (the memory around it) and
// setting.h; comparison.h asks.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_PARTS_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_PARTS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "oracle/exhaustive/comparison.h"
#include "oracle/exhaustive/entry_classes.h"
#include "oracle/exhaustive/entry_states.h"
#include "oracle/exhaustive/setting.h"
#include "oracle/exhaustive/shapes.h"

namespace eptdiff {

// VM entry in these states; a sample with a `stride` above 1.
void CompareVmEntry(const EntryStates& states, std::uint64_t stride,
                    Comparison& comparison);

// Every shape of the entry at `level`, of the settings in which it exists.
void CompareEntries(int level, const Setting& setting, Patterns patterns,
                    std::uint64_t stride, Comparison& comparison);

// All values of bits 11:0 with few patterns above, for rare accesses.
void CompareRareAccesses(int level, const Setting& setting,
                         std::uint64_t stride, Comparison& comparison);

// These shapes of the entry at `level`.
void CompareShapes(int level, const Setting& setting,
                   std::span<const EntryClass> classes, Comparison& comparison);

// Each pair of shapes, those of the upper level first; a sample with a
// `stride` above 1.
void ComparePairs(int upper, std::span<const EntryClass> upper_classes,
                  int lower, std::span<const EntryClass> lower_classes,
                  const Setting& setting, std::uint64_t stride,
                  Comparison& comparison);

// The shapes for settings-*: of these classes, which are of entries at one
// level, those of WB, UC and a reserved memory type.
std::vector<EntryClass> ShapesForSettings(std::span<const EntryClass> classes);

std::vector<std::string> PartNames();

// Which entries are told apart takes some minutes to find out, level by level,
// and half of all parts need it: it is kept in files of this folder, for all
// processes. Without one each process finds out for itself.
void KeepClassesIn(const std::string& folder);
// Finds out, for one level (1 to 5), unless it is kept already.
void MakeClasses(int level);

// Runs a part of PartNames(); false if `name` is none.
bool RunPart(const std::string& name, Comparison& comparison);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_PARTS_H_
