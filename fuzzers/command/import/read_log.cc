#include "fuzzers/command/import/read_log.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/words/word_list.h"

namespace eptdiff {
namespace {

constexpr LogFormat kFormats[] = {
    {"KVM's messages", ParseKvmMessages},
    {"KVM's tracepoints", ParseKvmTrace},
    {"Xen's messages", ParseXenMessages},
    {"VMCS dumps of KVM and Xen", ParseVmcsDump},
    {"VMCS fields with their encodings", ParseVmcsFields},
    {"VirtualBox's guru meditations", ParseVirtualBoxLog},
    {"Bochs's exits and its debugger's page", ParseBochsLog},
    {"!pte of HyperDbg and WinDbg", ParseDebuggerEntries},
    {"VM entries that fail", ParseFailedEntry},
    {"lists of entries with their levels", ParseEntryList},
    {"exits as names and numbers", ParseExitFields},
};

// Of a line that somebody may have written of EPT.
bool SpeaksOfEpt(absl::string_view line) {
  // Bochs says so of each walk that it begins.
  if (absl::StrContains(line, "EPT walk for guest paddr")) return false;
  const std::string small = absl::AsciiStrToLower(line);
  for (const char* word :
       {"ept_", "ept ", "ept:", "eptp", "epte", "spte", "misconfig",
        "qualification", "guest-physical", "guest physical", "guestphysical",
        "kvm_page_fault", "guru meditation"}) {
    const std::size_t at = small.find(word);
    if (at == std::string::npos) continue;
    // "except:" and "kept " do not.
    if (at == 0 ||
        !absl::ascii_isalpha(static_cast<unsigned char>(small[at - 1]))) {
      return true;
    }
  }
  return false;
}

// An exit, and directly behind it a walk that was printed for it.
bool Completes(const Logged& exit, const Logged& walk) {
  constexpr std::size_t kReach = 3;
  return exit.entries.empty() && exit.guest_entries.empty() && exit.gpa &&
         !walk.entries.empty() && !walk.reason && !walk.qualification &&
         (!walk.gpa || *walk.gpa == *exit.gpa) &&
         walk.lines.front() > exit.lines.back() &&
         walk.lines.front() - exit.lines.back() <= kReach;
}

void Complete(Logged& exit, const Logged& walk) {
  exit.entries = walk.entries;
  if (walk.eptp) exit.eptp = walk.eptp;
  exit.lines.insert(exit.lines.end(), walk.lines.begin(), walk.lines.end());
  exit.notes.insert(exit.notes.end(), walk.notes.begin(), walk.notes.end());
  exit.notes.push_back("the entries in the lines behind it are taken for its");
}

// What says the same as another has the same key: addresses do not count.
std::string KeyOf(const Logged& logged) {
  std::string key = absl::StrCat(logged.what, " ", logged.reason.value_or(0),
                                 " ", logged.qualification.value_or(~0ull), " ",
                                 logged.eptp.value_or(0) & 0xfff);
  for (const auto* entries : {&logged.entries, &logged.guest_entries}) {
    for (const CopiedEntry& entry : *entries) {
      absl::StrAppend(&key, " ", entry.where ? entry.where->level : 0, ":",
                      entry.value & ~Mask(31, 12));
    }
  }
  for (const std::string& note : logged.notes) {
    if (!absl::StartsWith(note, "the entry above it")) {
      absl::StrAppend(&key, " ", note);
    }
  }
  return key;
}

}  // namespace

std::span<const LogFormat> LogFormats() { return kFormats; }

ReadLogResult ReadLog(Log& log) {
  std::vector<Logged> all;
  for (std::size_t i = 0; i < log.size(); ++i) {
    for (const LogFormat& format : kFormats) {
      if (log.used(i)) break;
      std::optional<Logged> logged = format.parse(log, i);
      if (!logged) continue;
      for (const std::size_t line : logged->lines) log.Use(line);
      if (format.parse == ParseEntryList) OpenForMore(log, *logged);
      // What KVM writes after an exit is not what the exit met.
      const bool written = format.parse == ParseKvmTrace;
      if (!written && !all.empty() && Completes(all.back(), *logged)) {
        Complete(all.back(), *logged);
      } else {
        all.push_back(*std::move(logged));
      }
    }
  }
  ReadLogResult result;
  std::map<std::string, std::size_t> first;
  for (Logged& logged : all) {
    const auto [place, is_new] =
        first.insert({KeyOf(logged), result.found.size()});
    if (is_new) {
      result.found.push_back(std::move(logged));
    } else {
      result.found[place->second].again.push_back(logged.lines.front());
    }
  }
  for (std::size_t i = 0; i < log.size(); ++i) {
    if (log.used(i)) continue;
    if (SpeaksOfEpt(log.line(i))) {
      result.not_understood.push_back(i);
    } else {
      ++result.others;
    }
  }
  return result;
}

}  // namespace eptdiff
