// What is known to be done instead of the SDM, by name: every alteration, and
// the dialects made of them.
//
// This folder fills slots otherwise than the SDM does; it uses the reference,
// which does not know it. Begin here; variants.h lists the families, and
// walk_variants.cc is one. What Bochs does is bochs_dialect.h.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_REFERENCE_DIALECTS_KNOWN_DIALECTS_H_
#define EPTDIFF_ORACLE_REFERENCE_DIALECTS_KNOWN_DIALECTS_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/reference/dialect.h"

namespace eptdiff {

// Every alteration that is known: "off" for each prohibition, and the variants
// in variants.h. In a fixed order, each name once.
std::span<const Alteration> AllAlterations();

// Whether it shows only where translations are kept.
bool NeedsCaching(const Alteration& alteration);

// The alteration of this name; null if there is none.
const Alteration* FindAlteration(std::string_view name);

// The dialects that have a name: "sdm", those of bochs_dialect.h and of
// silicon_dialects.h.
std::vector<std::string> NamedDialects();

// A dialect by name: one of NamedDialects(), or a comma-separated list of
// alterations ("CFG-8/off,AD-2/off"). None if a name is unknown.
std::optional<Dialect> FindDialect(std::string_view name);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_DIALECTS_KNOWN_DIALECTS_H_
