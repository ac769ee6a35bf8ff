#include <cstdint>
#include <cstdio>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/decode/decoding.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/nearest.h"
#include "fuzzers/command/options/number.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/words/style.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Takes a number apart, bit by bit: what it says, what is wrong with it, "
    "and the rule or passage behind each field. Without WHAT the likeliest is "
    "taken, and what else it may be is said.";

const Decoder* DecoderNamed(const std::string& name) {
  for (const Decoder& decoder : Decoders()) {
    if (name == decoder.name) return &decoder;
  }
  return nullptr;
}

constexpr const char* kLevels[] = {"PTE", "PDE", "PDPTE", "PML4E", "PML5E"};

}  // namespace

int DecodeCommand(const Arguments& arguments) {
  CommandLine line("decode", "[WHAT] NUMBER", kAbout);
  for (const Decoder& decoder : Decoders()) {
    line.Word("WHAT", decoder.name, decoder.help);
  }
  DecodeContext context;
  std::string level = "PTE";
  std::string capabilities;
  std::string eptp;
  std::uint64_t reason = 0;  // not said
  std::uint64_t maxphyaddr = context.maxphyaddr;
  bool json = false;
  line.Number("reason", "N", 1, 0xffff, &reason,
              "of the exit: 48 (EPT violation), 49, 62, 66");
  line.Choice("level", {std::begin(kLevels), std::end(kLevels)}, &level,
              "of an EPT entry");
  line.Flag("mbec", &context.mbec, "mode-based execute control is on");
  line.Text("capabilities", "NUMBER", &capabilities,
            "IA32_VMX_EPT_VPID_CAP of the processor");
  line.Text("eptp", "NUMBER", &eptp, "that an entry was used under");
  line.Number("maxphyaddr", "N", 32, 52, &maxphyaddr, "of the processor");
  line.Flag("json", &json, "as JSON");
  line.Example("0x83");
  line.Example("entry 0x2010b1 --level PDE");
  line.Example("capabilities 0xf0106734141");
  if (const auto exit = line.Parse(arguments, 1, 2)) return *exit;

  const std::vector<std::string>& operands = line.operands();
  const Decoder* decoder = nullptr;
  if (operands.size() == 2) {
    decoder = DecoderNamed(operands[0]);
    if (decoder == nullptr) {
      std::vector<std::string> names;
      for (const Decoder& known : Decoders()) names.emplace_back(known.name);
      return line.Mistake(absl::StrCat("there is no \"", operands[0],
                                       "\" to decode",
                                       DidYouMean(operands[0], names)));
    }
  }
  const auto value = NumberIn(operands.back());
  if (!value) {
    return line.Mistake(NoNumber(operands.back(), 64));
  }
  absl::Status status =
      TakeNumber("--capabilities", capabilities, context.capabilities);
  status.Update(TakeNumber("--eptp", eptp, context.eptp));
  if (!status.ok()) return line.Mistake(status.message());
  if (reason != 0) {
    context.reason = static_cast<std::uint16_t>(reason);
    if (decoder == nullptr) decoder = DecoderNamed("qualification");
  }
  context.maxphyaddr = static_cast<unsigned>(maxphyaddr);
  for (int i = 0; i < 5; ++i) {
    if (level == kLevels[i]) context.level = i + 1;
  }

  std::vector<const Decoder*> others;
  if (decoder == nullptr) {
    for (const Decoder& known : Decoders()) {
      if (!known.plausible(*value)) continue;
      (decoder == nullptr ? decoder : others.emplace_back()) = &known;
    }
    if (decoder == nullptr) decoder = &Decoders()[0];
  }
  const Decoding decoding = decoder->decode(*value, context);
  if (json) {
    std::fputs(DecodingJson(decoding).c_str(), stdout);
    return kExitAgree;
  }
  std::fputs(DecodingText(decoding).c_str(), stdout);
  for (const Decoder* other : others) {
    std::fputs(Wrapped(absl::StrCat("It may also be ", other->help,
                                    ": eptdiff decode ", other->name, " ",
                                    operands.back()),
                       0)
                   .c_str(),
               stdout);
  }
  return kExitAgree;
}

}  // namespace eptdiff
