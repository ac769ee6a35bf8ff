// A number that people meet, taken apart: what it says as a whole, what is
// wrong with it, and each of its fields with the rule or the passage behind it.
//
// This folder has a file for each kind of number: qualification.cc, entries.cc,
// controls.cc (and registers). It judges nothing: what an entry or an EPTP
// breaks, the reference says. It uses the engine's exit qualification, the
// words of words/ and the JSON of report/. Begin to read at Decoders().
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_DECODE_DECODING_H_
#define EPTDIFF_FUZZERS_COMMAND_DECODE_DECODING_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/types.h"

namespace eptdiff {

// What is known beside the number. What is not known is left open.
struct DecodeContext {
  std::uint16_t reason = 48;  // of the VM exit
  int level = 1;              // of an EPT entry: 5 (PML5E) to 1 (PTE)
  unsigned maxphyaddr = 52;
  bool mbec = false;                          // false: not known to be on
  std::optional<std::uint64_t> capabilities;  // IA32_VMX_EPT_VPID_CAP
  std::optional<std::uint64_t> eptp;          // that an entry is used under
};

struct DecodedField {
  int high = 0;
  int low = 0;
  std::uint64_t value = 0;
  std::string words;
  std::string source = {};  // "QUAL-6, SDM table 28-7"
  std::string open = {};    // why the value says nothing; "" if it does
};

struct Decoding {
  std::string what;  // "exit qualification of an EPT violation"
  std::uint64_t value = 0;
  std::string summary;               // in one or more sentences
  std::vector<std::string> wrong;    // reserved, impossible, refused
  std::vector<std::string> causes;   // what may have led to it, a rule each
  std::vector<DecodedField> fields;  // the highest first
};

struct Decoder {
  const char* name;  // "qualification"
  const char* help;  // "an exit qualification; --reason says of which exit"
  Decoding (*decode)(std::uint64_t value, const DecodeContext& context);
  // Whether a number without a word may well be one.
  bool (*plausible)(std::uint64_t value);
};

// All that can be decoded, the likeliest first.
std::span<const Decoder> Decoders();

// The parts, each in a file of its own.
Decoding DecodeQualification(std::uint64_t value, const DecodeContext& context);
Decoding DecodeEntry(std::uint64_t value, const DecodeContext& context);
Decoding DecodeEptp(std::uint64_t value, const DecodeContext& context);
Decoding DecodeInvept(std::uint64_t value, const DecodeContext& context);
Decoding DecodeCapabilities(std::uint64_t value, const DecodeContext& context);
Decoding DecodePin(std::uint64_t value, const DecodeContext& context);
Decoding DecodePrimary(std::uint64_t value, const DecodeContext& context);
Decoding DecodeSecondary(std::uint64_t value, const DecodeContext& context);
Decoding DecodeTertiary(std::uint64_t value, const DecodeContext& context);
Decoding DecodeErrorCode(std::uint64_t value, const DecodeContext& context);
Decoding DecodePat(std::uint64_t value, const DecodeContext& context);

// The decoding for people, and as JSON.
std::string DecodingText(const Decoding& decoding);
std::string DecodingJson(const Decoding& decoding);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_DECODE_DECODING_H_
