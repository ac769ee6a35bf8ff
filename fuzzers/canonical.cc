#include "fuzzers/canonical.h"

#include <algorithm>

namespace eptdiff {
namespace {

Access FoldAccess(Access access) {
  if (access.kind > AccessKind::kShadowStackWrite) {
    access.kind = AccessKind::kRead;
  }
  access.size = FoldAccessSize(access.size);
  return access;
}

Gpa FoldGpa(Gpa gpa) { return Gpa{gpa.value & kPhysicalAddressMask}; }

Hpa FoldWord(Hpa word) { return Hpa{word.value & kWordAddressMask}; }

}  // namespace

void Canonicalise(Step& step) {
  Step canonical;
  canonical.kind = step.kind;
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
      canonical.access = FoldAccess(step.access);
      canonical.gpa = FoldGpa(step.gpa);
      canonical.page = step.page;
      canonical.page.pat_index &= 7;
      break;
    case StepKind::kLinearAccess:
      canonical.access = FoldAccess(step.access);
      canonical.gla = step.gla;
      break;
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate:
      canonical.gpa = FoldGpa(step.gpa);
      canonical.page.gla = step.page.gla;
      canonical.page.pat_index = step.page.pat_index & 7;
      break;
    case StepKind::kPdpteLoad:
      break;
    case StepKind::kStore:
      canonical.hpa = FoldWord(step.hpa);
      canonical.value = step.value;
      break;
    case StepKind::kEptpSwitch:
      canonical.index = step.index;
      break;
  }
  step = canonical;
}

void Canonicalise(Case& c) {
  c.processor.maxphyaddr = FoldMaxphyaddr(c.processor.maxphyaddr);
  c.guest.cpl &= 3;
  if (c.steps.size() > kMaxRecords) c.steps.resize(kMaxRecords);
  const std::size_t words =
      std::min(c.memory.size(), kMaxRecords - c.steps.size());
  c.memory.resize(words);
  for (MemoryWord& word : c.memory) word.address = FoldWord(word.address);
  for (Step& step : c.steps) Canonicalise(step);
}

bool IsCanonical(const Case& c) {
  Case canonical = c;
  Canonicalise(canonical);
  return canonical == c;
}

}  // namespace eptdiff
