#include "oracle/editions.h"

#include <cstddef>

namespace eptdiff {
namespace {

// A chapter, section or table of December 2023, with all below it, and its
// number of June 2026.
struct Move {
  std::string_view from;
  std::string_view to;
};

// Of several that apply, the longest does.
constexpr Move kMoves[] = {
    // Volume 1.
    {"17", "18"},  // control-flow enforcement
    // Volume 3A.
    {"2", "2"},    // system architecture
    {"4", "5"},    // paging
    {"12", "14"},  // memory cache control
    // Volume 3B.
    {"18", "20"},  // debugging
    // Volume 3C. Of VM-execution controls the ENCLV-exiting bitmap has no
    // section of its own any more.
    {"24", "26"},
    {"25", "27"},
    {"25.6.19", "27.6.18"},  // page-modification logging
    {"25.6.20", "27.6.19"},  // virtualization exceptions
    {"25.6.21", "27.6.20"},  // XSS-exiting bitmap
    {"25.6.22", "27.6.21"},  // SPPTP
    {"25.6.23", "27.6.22"},  // HLAT
    {"25.6.24", "27.6.23"},  // PASID translation
    {"25-19", "27-20"},      // VM-exit interruption information
    {"25-20", "27-21"},      // IDT-vectoring information
    // PEBS with guest-physical addresses has come before these.
    {"26", "28"},
    {"26.5.5", "28.5.6"},  // APIC virtualization
    {"26.5.6", "28.5.7"},  // VM functions
    {"26.5.7", "28.5.8"},  // virtualization exceptions
    {"26-1", "28-23"},     // virtualization-exception information area
    {"27", "29"},
    {"28", "30"},
    {"29", "31"},
    {"30", "32"},
    {"31", "33"},
};

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

constexpr bool IsOfNumber(char c) { return IsDigit(c) || c == '.' || c == '-'; }

constexpr bool IsLetter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// The length of the number at the beginning of `text`: "29.3.2" or "28-7", but
// not "29-1..29-7", which is two.
std::size_t NumberLength(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && IsOfNumber(text[length])) {
    const bool digit_follows =
        length + 1 < text.size() && IsDigit(text[length + 1]);
    if (!IsDigit(text[length]) && !digit_follows) break;
    ++length;
  }
  return length;
}

bool IsWithin(std::string_view number, std::string_view part) {
  return number.starts_with(part) &&
         (number.size() == part.size() || !IsDigit(number[part.size()]));
}

std::string Moved(std::string_view number) {
  const Move* best = nullptr;
  for (const Move& move : kMoves) {
    if (!IsWithin(number, move.from)) continue;
    if (best == nullptr || best->from.size() < move.from.size()) best = &move;
  }
  if (best == nullptr) return std::string(number) + "?";
  return std::string(best->to) + std::string(number.substr(best->from.size()));
}

}  // namespace

std::string CitedIn2026(std::string_view citation) {
  std::string result;
  while (!citation.empty()) {
    // "3A", "A.10" and ".2" (of the section before) are no numbers of a
    // chapter, and "note 1" has no point or hyphen.
    std::size_t length = NumberLength(citation);
    const bool whole =
        length > 0 && IsDigit(citation[0]) &&
        (length == citation.size() || !IsLetter(citation[length])) &&
        citation.substr(0, length).find_first_of(".-") !=
            std::string_view::npos;
    if (whole) {
      result += Moved(citation.substr(0, length));
    } else {
      if (citation.starts_with("..")) length = 2;  // from ... to
      if (length == 0) {
        while (length < citation.size() && IsLetter(citation[length])) ++length;
        if (length > 0) length += NumberLength(citation.substr(length));
      }
      if (length == 0) length = 1;
      result += citation.substr(0, length);
    }
    citation.remove_prefix(length);
  }
  return result;
}

std::string CitedInBoth(std::string_view citation) {
  const std::string now = CitedIn2026(citation);
  if (now == citation) return now;
  return std::string(citation) + "; 2026: " + now;
}

}  // namespace eptdiff
