#include "oracle/builder/diagnosis/cause_words.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <iterator>

#include "engine/table/table_error.h"
#include "oracle/bits_words.h"
#include "oracle/builder/circumstances.h"
#include "oracle/builder/diagnosis/page_difference.h"

namespace eptdiff {
namespace {

struct MistakeWords {
  std::string_view name;
  std::string_view sentence;  // # stands for the detail
};

// In the order of Mistake.
constexpr MistakeWords kMistakes[] = {
    {"done-not-refused", "an operation is done that has to be refused (#)"},
    {"said-done",
     "an operation that has to be refused (#) is said to be done, and nothing "
     "changes"},
    {"refused-not-done", "an operation is refused (#) that has to be done"},
    {"done-though-refused",
     "an operation is said to be refused (#) that has to be done, and tables "
     "change"},
    {"refused-otherwise",
     "an operation is refused for a reason (#) that does not apply"},
    {"changed-though-refused", "an operation that is refused changes an entry"},
    {"operations-raced",
     "of two operations at once one undoes what the other did: what it stores "
     "is made of what it loaded before; use compare_exchange, or a lock"},
    {"view-shared",
     "a store goes to a table that another view shares, and changes what that "
     "maps: copy it first"},
    {"view-wrong", "pages change in a view that the operation is not about"},
    {"view-missed",
     "an operation on all views is not done in each: pages stay as they were "
     "in one"},
    {"linked-unfilled",
     "a table is linked before all of its entries are stored"},
    {"linked-twice", "a table is linked at two places"},
    {"bad-entry",
     "an entry is stored that is misconfigured or leads to no table"},
    {"unused-entry",
     "an entry that maps nothing any more gets another word than agreed"},
    {"page-gone", "pages go that have to stay"},
    {"page-elsewhere",
     "an operation is done at another guest-physical address than the one that "
     "was asked for, which lacks #"},
    {"page-beyond",
     "an operation is done to the page behind its region as well"},
    {"page-too-many", "pages are mapped that were not asked for"},
    {"flags-raced",
     "a processor sets # between the load of an entry and the store to it: "
     "lost; use compare_exchange"},
    {"page-bits", "#"},
    {"not-done", "pages stay as they were"},
    {"table-not-linked",
     "a table is made for it, and neither linked nor freed: the result is not "
     "stored in the entry above"},
    {"table-bits", "ignored bits change in the entry of a table that stays"},
    {"empty-table", "a table that maps nothing stays linked"},
    {"unreported", "memory changes in another way than by the stores"},
    {"foreign-store",
     "a store goes to a frame that is not allocated (any more)"},
    {"large-page-walked",
     "a large page's entry is taken for a table's: a store goes into the "
     "page's data"},
    {"freed-twice", "a frame is freed that is not in use"},
    {"freed-linked", "a frame is freed while it is linked"},
    {"freed-shared", "a frame is freed while another view links it"},
    {"page-released-mapped",
     "memory of the guest is released that it can reach"},
    {"page-released-early",
     "memory of the guest is released that processors may reach by what they "
     "have cached: INVEPT is executed after that, or not at all"},
    {"leak", "a frame that is linked no more is not freed"},
    {"frames-beyond-limit",
     "more frames are in use at a time than `frames` of its profile says"},
    {"invept-fails",
     "INVEPT fails (by its type, or its descriptor), and invalidates nothing"},
    {"invvpid-fails",
     "INVVPID fails (by its type, or its descriptor), and invalidates nothing"},
    {"invept-missing", "INVEPT is missing after #"},
    {"invept-elsewhere",
     "INVEPT is not executed on each logical processor that uses the tables, "
     "after #"},
    {"invept-not-awaited",
     "INVEPT is asked for on other logical processors, and not waited for, "
     "after #"},
    {"invept-other-view",
     "INVEPT is executed for the EPTP of another view than has changed, after "
     "#"},
    {"invept-running-view",
     "INVEPT is executed for the view in which the processor runs, and not for "
     "the one that has changed, which it still has cached, after #"},
    {"invvpid-for-invept",
     "INVVPID, which ends combined mappings and no guest-physical ones, is "
     "executed for INVEPT after #"},
    {"freed-early",
     "a table's frame is freed first, and INVEPT is executed after that"},
    {"invept-eptp", "INVEPT names another EPTP than the tables'"},
    {"eptp",
     "EPTP differs from the one asked for in more than the root's address"},
    {"invept-twice", "INVEPT is executed twice"},
    {"invept-needless", "INVEPT is executed where no change needs it"},
    {"listing", "the list of what is mapped is not what the tables map"},
    {"removed-not-shown", "pages go and are not shown as removed"},
    {"removed-without-flags",
     "pages are shown as removed without accessed or dirty flags that "
     "processors had set"},
    {"removed-otherwise",
     "what is shown as removed, or with its flags cleared, is not what was"},
    {"log-freed",
     "a frame is freed that a processor writes its page-modification log to"},
    {"log-raced",
     "a processor writes to a page between the load of its entry and the store "
     "to it, and the log does not have it: use compare_exchange"},
    {"log-view-stays",
     "LOG_CLEAR makes the first view's entries ready to tell of the next "
     "write, "
     "and not those of each other view: what is written there again is not in "
     "the log"},
    {"log-view-lost",
     "the guest writes to pages in another view than the first, and the log "
     "does not have them"},
    {"log-lost", "the guest writes to pages, and the log does not have them"},
    {"log-too-much",
     "the log has pages that the guest has not written to since"},
    {"exit-not-handled",
     "accesses that were asked for exit, and are not let go on"},
    {"exit-repeats",
     "exits are said to be dealt with, and the access comes to the same again"},
    {"exit-not-ours",
     "accesses that were not asked for exit, and are let be done again"},
    {"walk", "a walk of the tables does not give what was asked for"},
    {"stale", "an access uses what is no longer there"},
};
static_assert(std::size(kMistakes) == kMistakeCount);

// In the order of PageBits.
constexpr std::string_view kBitsNames[] = {
    "page-read-lost",       "page-write-lost",        "page-execute-lost",
    "page-user-lost",       "page-read-gained",       "page-write-gained",
    "page-execute-gained",  "page-user-gained",       "page-memory-type",
    "page-ignore-pat-lost", "page-ignore-pat-gained", "page-accessed-lost",
    "page-dirty-lost",      "page-accessed-gained",   "page-dirty-gained",
    "page-high-address",    "page-address",           "page-other-bits",
};
constexpr auto kOneKind = static_cast<std::size_t>(PageBits::kOneLost);
static_assert(std::size(kBitsNames) == kOneKind);
constexpr std::string_view kBits[] = {
    "pages lose read permission",
    "pages lose write permission",
    "pages lose execute permission",
    "pages lose user-mode execute permission",
    "pages get read permission that was not asked for",
    "pages get write permission that was not asked for",
    "pages get execute permission that was not asked for",
    "pages get user-mode execute permission that was not asked for",
    "pages get another memory type (bits 5:3)",
    "pages lose the ignore-PAT bit (bit 6)",
    "pages get the ignore-PAT bit (bit 6) that was not asked for",
    "pages lose the accessed flag (bit 8)",
    "pages lose the dirty flag (bit 9)",
    "pages get the accessed flag (bit 8) that was not asked for",
    "pages get the dirty flag (bit 9) that was not asked for",
    "pages lose bits 51:32 of their address",
    "pages get another address than was asked for",
    "pages lose or get other bits of their entry",
};
static_assert(std::size(kBits) == kOneKind);

// In the order of Change.
constexpr std::string_view kChanges[] = {
    "several changes at once",
    "the removal of read permission alone",
    "the removal of write permission alone",
    "the removal of execute permission alone",
    "a change of memory type alone",
    "a change of address alone",
    "the removal of pages",
    "the removal of tables",
    "the split of a large page",
    "the merge of pages into a large one",
    "clearing accessed or dirty flags",
    "a right that is added",
    "a change of other bits of a page",
    "the end of the tables, which processors may have cached",
};
static_assert(std::size(kChanges) == kChangeCount);

// In the order of Work; of a page, and of a region.
constexpr std::string_view kWorks[][2] = {
    {"", ""},
    {"map", "map-region"},
    {"unmap", "unmap-region"},
    {"remap", "remap"},
    {"protect", "protect-region"},
    {"split", "split"},
    {"merge", "merge-region"},
    {"clear-flags", "clear-flags"},
    {"log-on or -off", "log-ask or -clear"},
};

// In the order of Deed.
constexpr std::string_view kDeeds[] = {
    "where no entry changes",
    "where a page is added",
    "where a page's entry is cleared",
    "where a page's entry is changed",
    "where a large page is split",
    "where pages are merged into a large one",
    "where a new table is linked",
    "where a table is unlinked",
    "where a table stays",
    "where a page's flags are cleared",
};

// In the order of Place.
constexpr std::string_view kPlaces[] = {
    "",
    "in a region of one 4-KByte page",
    "at the beginning of the region",
    "between the ends of the region",
    "at the end of the region",
    "beside the region",
};

// In the order of Phase.
constexpr std::string_view kPhases[] = {
    "when the tables are created",
    "while the tables are in use",
    "when the tables are given up",
    "when an exit is dealt with",
};

constexpr std::string_view kLevels[] = {"",      "PTE",   "PDE",
                                        "PDPTE", "PML4E", "PML5E"};

// What is out of range, as a builder may have made it, has no words.
template <std::size_t kSize>
std::string_view In(const std::string_view (&words)[kSize], std::size_t at) {
  return at < kSize ? words[at] : std::string_view();
}

std::string_view NameOf(Work work, bool region) {
  const auto at = static_cast<std::size_t>(work);
  return at < std::size(kWorks) ? kWorks[at][region] : std::string_view();
}

const MistakeWords& WordsFor(Mistake mistake) {
  const auto at = static_cast<std::size_t>(mistake);
  return kMistakes[at < std::size(kMistakes) ? at : std::size(kMistakes) - 1];
}

// Bits of an address that are lost, of which some were seen.
constexpr int kFew = 4;
std::string RunOf(std::uint64_t lost) {
  if (std::popcount(lost) < kFew) return BitsWords(lost);
  // Those above the highest that has been seen are rare.
  constexpr std::uint64_t kHigh = std::uint64_t{1} << 47;
  const std::uint64_t end =
      lost >= kHigh ? kHigh << 5 : 2 * std::bit_floor(lost);
  return BitsWords(end - (lost & -lost));
}

// In the order of their encodings; 2, 3 and 7 are none.
constexpr std::string_view kTypes[] = {"UC", "WC", "", "", "WT", "WP", "WB"};

// Which of those that begin with `first`.
std::size_t Past(PageBits bits, PageBits first) {
  return static_cast<std::size_t>(bits) - static_cast<std::size_t>(first);
}

// Of a page's bits that say nothing by themselves, which they were.
std::string BitsOf(PageBits bits, const PageDifference& seen) {
  const std::uint64_t others = (seen.lost | seen.gained) & kOtherBits;
  const std::uint64_t type = (seen.lost | seen.gained) & kTypeBits;
  switch (bits) {
    case PageBits::kHighAddress:
      if (seen.address == 0 || seen.address != seen.address_lost) break;
      return "pages lose " + RunOf(seen.address) + " of their address";
    case PageBits::kAddress:
      if (seen.address == 0 || std::popcount(seen.address) >= kFew) break;
      return "pages get another address than was asked for, by " +
             BitsWords(seen.address);
    case PageBits::kMemoryType:
      if (!std::has_single_bit(type)) break;
      return "pages get another memory type (" + BitsWords(type) +
             (seen.gained == 0 ? " is 0)"
              : seen.lost == 0 ? " is 1)"
                               : ")");
    default:
      if (bits < PageBits::kOther) break;
      if (bits >= PageBits::kTypeGiven) {
        return "pages get memory type " +
               std::string(In(kTypes, Past(bits, PageBits::kTypeGiven))) +
               " (bits 5:3) that was not asked for";
      }
      if (bits >= PageBits::kTypeBitGained) {
        return "pages get another memory type (bit " +
               std::to_string(3 + Past(bits, PageBits::kTypeBitGained)) +
               " is 1)";
      }
      if (bits >= PageBits::kTypeBitLost) {
        return "pages get another memory type (bit " +
               std::to_string(3 + Past(bits, PageBits::kTypeBitLost)) +
               " is 0)";
      }
      if (others == 0) break;
      return std::string("pages ") +
             ((others & seen.gained) == 0 ? "lose "
              : (others & seen.lost) == 0 ? "get "
                                          : "lose or get ") +
             BitsWords(others) + " of their entry" +
             ((others & seen.lost) == 0 ? ", not asked for" : "");
  }
  return std::string(In(kBits, static_cast<std::size_t>(FamilyOf(bits))));
}

// A bit of a leaf's flags by name, "" for one without.
std::string_view NameOfFlag(int bit) {
  switch (bit) {
    case 0:
      return " (read)";
    case 1:
      return " (write)";
    case 2:
      return " (execute)";
    case 3:
    case 4:
    case 5:
      return " (of the memory type)";
    case 6:
      return " (ignore PAT)";
    case 8:
      return " (accessed)";
    case 9:
      return " (dirty)";
    case 10:
      return " (execute, user mode)";
    case 57:
      return " (verify guest paging)";
    case 58:
      return " (paging write)";
    case 60:
      return " (supervisor shadow stack)";
    case 61:
      return " (sub-page write permissions)";
    case 63:
      return " (suppress #VE)";
    default:
      return "";
  }
}

// "2 MBytes" for 21.
std::string PowerWords(int power) {
  constexpr std::string_view kUnits[] = {" byte",  " KByte", " MByte",
                                         " GByte", " TByte", " PByte"};
  const std::string number = std::to_string(1 << power % 10);
  return number + std::string(kUnits[power / 10]) + (number == "1" ? "" : "s");
}

std::string WhenWords(const Circumstance& when) {
  const int bit = when.bit;
  const std::string_view is = when.value ? " is 1" : " is 0";
  const auto bit_of = [&](std::string_view of, std::string_view name = "") {
    return "if " + BitsWords(std::uint64_t{1} << bit) + std::string(name) +
           " of " + std::string(of) + std::string(is);
  };
  switch (when.word) {
    case CircumstanceWord::kFlags:
      return bit_of("the flags that are asked for", NameOfFlag(bit));
    case CircumstanceWord::kLacks:
      if (bit != 0) {
        return std::string(when.value ? "if" : "unless") + " allocation " +
               std::to_string(bit) + " of the operation fails";
      }
      return when.value ? "once an allocation has failed"
                        : "if no allocation has failed";
    case CircumstanceWord::kBytes:
      return when.value ? "in regions of " + PowerWords(bit) + " or more"
                        : "in regions of less than " + PowerWords(bit);
    case CircumstanceWord::kSecondary:
      return bit_of("the secondary controls");
    case CircumstanceWord::kEptp:
      return bit_of("EPTP", bit == 6 ? " (accessed and dirty flags)" : "");
    case CircumstanceWord::kCapabilities:
      return bit_of("IA32_VMX_EPT_VPID_CAP");
    case CircumstanceWord::kHpa:
      return bit_of("the host-physical address that is asked for");
    case CircumstanceWord::kGpa:
      return bit_of("the guest-physical address");
    case CircumstanceWord::kThere:
      if (bit == 12) {
        return when.value ? "if a page was there" : "if no page was there";
      }
      return bit_of("the entry of the page that was there", NameOfFlag(bit));
    case CircumstanceWord::kAlignment:
      return std::string(when.value ? "if" : "unless") +
             " the guest-physical address is a multiple of " + PowerWords(bit);
    case CircumstanceWord::kMeanwhile:
      return std::string(when.value ? "if " : "unless ") +
             (bit == 0 ? "a processor comes in between its stores"
                       : "another operation runs beside it");
    case CircumstanceWord::kPage:
      if (bit == kLargePageBit) {
        return when.value ? "if the page is large" : "if the page is not large";
      }
      return bit_of("the page's entry", NameOfFlag(bit));
  }
  return "";
}

std::string DetailOf(const BuilderCause& cause) {
  const auto detail =
      static_cast<std::size_t>(cause.value.Get(Feature::kDetail));
  const bool is_fixed = cause.IsFixed(Feature::kDetail);
  switch (cause.value.mistake()) {
    case Mistake::kDoneNotRefused:
    case Mistake::kSaidDone:
    case Mistake::kRefusedNotDone:
    case Mistake::kDoneThough:
    case Mistake::kRefusedOtherwise:
      return is_fixed ? TableErrorText(static_cast<TableError>(detail))
                      : "for several reasons";
    case Mistake::kBits:
      return is_fixed ? BitsOf(static_cast<PageBits>(detail), cause.difference)
                      : "pages get other bits than asked for";
    case Mistake::kElsewhere:
      return cause.difference.guest == 0 ? "bits of it"
                                         : RunOf(cause.difference.guest);
    case Mistake::kFlagsRaced:
      return !is_fixed ? "accessed or dirty"
             : detail == static_cast<std::size_t>(PageBits::kDirtyLost)
                 ? "dirty"
                 : "accessed";
    case Mistake::kInveptMissing:
    case Mistake::kInveptElsewhere:
    case Mistake::kInveptAsked:
    case Mistake::kInveptOtherView:
    case Mistake::kInveptRunningView:
    case Mistake::kInvvpid:
      return std::string(is_fixed ? In(kChanges, detail)
                                  : "changes that need it");
    default:
      return "";
  }
}

std::string SituationOf(const BuilderCause& cause) {
  const auto value = [&](Feature feature) {
    return static_cast<std::size_t>(cause.value.Get(feature));
  };
  std::string words;
  const auto add = [&words](std::string_view part) {
    if (!part.empty()) words.append(", ").append(part);
  };
  if (cause.IsFixed(Feature::kWork)) {
    const bool region =
        cause.IsFixed(Feature::kRegion) && value(Feature::kRegion) != 0;
    if (value(Feature::kWork) != 0) {
      add("in ");
      words += NameOf(static_cast<Work>(value(Feature::kWork)), region);
    }
  } else if (cause.IsFixed(Feature::kRegion)) {
    add(value(Feature::kRegion) != 0 ? "in operations on regions"
                                     : "in operations on one page");
  } else if (cause.IsFixed(Feature::kPhase)) {
    add(In(kPhases, value(Feature::kPhase)));
  }
  if (cause.IsFixed(Feature::kDeed)) add(In(kDeeds, value(Feature::kDeed)));
  if (cause.IsFixed(Feature::kReplaces)) {
    add(value(Feature::kReplaces) != 0
            ? "where a page takes the place of what was mapped"
            : "where no page takes the place of what was mapped");
  }
  if (cause.IsFixed(Feature::kLevel) && value(Feature::kLevel) != 0) {
    add("at a ");
    words += In(kLevels, value(Feature::kLevel));
  }
  if (cause.IsFixed(Feature::kLarge)) {
    add(value(Feature::kLarge) != 0
            ? "if the operation begins in a large page"
            : "if the operation does not begin in a large page");
  }
  if (cause.IsFixed(Feature::kAfterHole)) {
    add(value(Feature::kAfterHole) != 0
            ? "after a hole in the region (where nothing is mapped)"
            : "if the region has no hole before");
  }
  if (cause.IsFixed(Feature::kShared)) {
    add(value(Feature::kShared) != 0
            ? "if the entry maps other pages, too"
            : "if the entry maps nothing beside the operation's pages");
  }
  if (cause.IsFixed(Feature::kPlace)) add(In(kPlaces, value(Feature::kPlace)));
  for (std::size_t i = 0; i < cause.when.size(); ++i) {
    words += (i == 0 ? ", " : " and ") + WhenWords(cause.when[i]);
  }
  return words;
}

}  // namespace

std::string_view NameOf(Mistake mistake) { return WordsFor(mistake).name; }

std::string_view NameOf(Work work) { return NameOf(work, /*region=*/false); }

std::string_view NameOf(const BuilderCause& cause) {
  if (cause.value.mistake() != Mistake::kBits ||
      !cause.IsFixed(Feature::kDetail)) {
    return NameOf(cause.value.mistake());
  }
  const auto bits = static_cast<PageBits>(cause.value.Get(Feature::kDetail));
  return In(kBitsNames, static_cast<std::size_t>(FamilyOf(bits)));
}

std::string_view HeaderNameOf(TableError error) {
  switch (error) {
    case TableError::kNone:
      return "EPTDIFF_DONE";
    case TableError::kMisaligned:
      return "EPTDIFF_MISALIGNED";
    case TableError::kOutOfRange:
      return "EPTDIFF_OUT_OF_RANGE";
    case TableError::kOverlap:
      return "EPTDIFF_OVERLAP";
    case TableError::kNotMapped:
      return "EPTDIFF_NOT_MAPPED";
    case TableError::kNoFrames:
      return "EPTDIFF_NO_FRAMES";
    case TableError::kUnsupported:
      return "EPTDIFF_UNSUPPORTED";
    case TableError::kNoAccess:
      return "EPTDIFF_NO_ACCESS";
    case TableError::kMisconfigured:
      return "EPTDIFF_MISCONFIGURED";
    case TableError::kBadControls:
      return "EPTDIFF_BAD_CONTROLS";
    case TableError::kNotAllowed:
    case TableError::kBadFrame:
      break;  // of no operation of the header's
  }
  return "";
}

std::string DesignWords(TableError reason, bool refused) {
  const std::string name(HeaderNameOf(reason));
  if (!refused) {
    const std::string words = "clear " + name +
                              " in `refusals` of its profile, and it is not "
                              "asked for such things";
    return reason != TableError::kOverlap
               ? words
               : "set `map_replaces` in its profile if it replaces what is "
                 "there; or " +
                     words;
  }
  switch (reason) {
    case TableError::kOutOfRange:
      return "`gpa_width` and `max_bytes` of its profile bound what it is "
             "asked "
             "for";
    case TableError::kNoFrames:
      return "`frames` of its profile says how many it has at most; without "
             "that, it may come at any time of a builder with "
             "eptdiff_builder_read";
    case TableError::kNoAccess:
    case TableError::kMisconfigured:
      return "`memory_types`, `leaf_flags` and `always_flags` of its profile "
             "bound what it is asked for";
    case TableError::kBadControls:
      return "`models`, `capabilities_set` and `capabilities_clear` of its "
             "profile bound what machine it is created on";
    default:
      return "answer EPTDIFF_DECLINED for what it does not have; `leaf_flags`, "
             "`memory_types` and `capabilities_clear` of its profile bound "
             "what "
             "it is asked for";
  }
}

std::string WordsOf(const BuilderCause& cause) {
  std::string words(WordsFor(cause.value.mistake()).sentence);
  if (const std::size_t at = words.find('#'); at != std::string::npos) {
    words.replace(at, 1, DetailOf(cause));
  }
  words += SituationOf(cause);
  if (cause.right != 0) words += ", but not always";
  return words;
}

}  // namespace eptdiff
