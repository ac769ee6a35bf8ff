#include "fuzzers/command/import/logged_walk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/decode/decoding.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/explanation.h"
#include "fuzzers/command/words/word_list.h"
#include "oracle/judgement/spine.h"

namespace eptdiff {
namespace {

// Of a qualification, what does not depend on what is assumed of the guest's
// page, and on NMIs.
constexpr std::uint64_t kCompared = Mask(8, 7) | Mask(5, 0);

class LogTeller {
 public:
  LogTeller(const Logged& logged, const BesideLog& beside, const Style& style)
      : logged_(logged), beside_(beside), style_(style) {
    if (logged.secondary) machine_.secondary = logged.secondary;
    if (logged.tertiary) machine_.tertiary = logged.tertiary;
    context_.maxphyaddr = machine_.maxphyaddr.value_or(52);
    context_.capabilities = machine_.capabilities;
    context_.mbec = machine_.mbec || Bit(machine_.secondary.value_or(0), 22);
    context_.eptp = Eptp();
    context_.reason = logged.reason.value_or(48);
  }

  ToldLog Tell() {
    const std::string lead =
        absl::StrCat(LineWords(logged_), ": ", logged_.what);
    told_.text = Item(0, lead, style_.Bold(lead), "");
    if (!logged_.again.empty()) TellAgain();
    TellExit();
    for (const std::string& note : logged_.notes) Add("note:", note);
    TellQualification();
    TellEptp();
    TellControls();
    TellGuestEntries();
    if (!TellWalk()) {
      for (const CopiedEntry& entry : logged_.entries) TellEntry(entry);
    }
    return std::move(told_);
  }

 private:
  void Add(const std::string& lead, const std::string& words) {
    told_.text += Item(2, lead, "", words);
  }
  void AddWrong(const std::vector<std::string>& wrong) {
    for (const std::string& words : wrong) {
      told_.text += Item(2, "WRONG:", style_.Bad("WRONG:"), words);
      told_.wrong.push_back(words);
    }
  }

  std::optional<std::uint64_t> Eptp() const {
    return logged_.eptp ? logged_.eptp : beside_.eptp;
  }
  std::optional<std::uint64_t> GpaOfAccess() const {
    return logged_.gpa ? logged_.gpa : beside_.gpa;
  }

  void TellAgain() {
    constexpr std::size_t kTold = 5;
    std::vector<std::size_t> lines;
    for (const std::size_t line : logged_.again) {
      if (lines.size() < kTold) lines.push_back(line + 1);
    }
    Add("again:", absl::StrCat(logged_.again.size(),
                               " more, which differ in addresses "
                               "alone: ",
                               lines.size() == 1 ? "line " : "lines ",
                               absl::StrJoin(lines, ", "),
                               logged_.again.size() > kTold ? ", ..." : ""));
  }

  void TellExit() {
    Words words;
    if (logged_.reason) {
      words.push_back(absl::StrCat(*logged_.reason, " (",
                                   ExitReasonWords(*logged_.reason), ")"));
    }
    const auto add = [&words](const char* name,
                              const std::optional<std::uint64_t>& value) {
      if (value) words.push_back(absl::StrCat(name, " ", Hexadecimal(*value)));
    };
    add("qualification", logged_.qualification);
    add("GPA", logged_.gpa);
    add("GLA", logged_.gla);
    if (!words.empty()) {
      Add(logged_.reason ? "exit:" : "access:", absl::StrJoin(words, ", "));
    }
  }

  void TellQualification() {
    const std::uint16_t reason = context_.reason;
    if (logged_.reason == 49 && logged_.entries.empty()) {
      const Decoding decoding = DecodeQualification(0, context_);
      told_.text += Wrapped(decoding.summary, 2);
      for (const std::string& cause : decoding.causes) Add("may be:", cause);
      return;
    }
    if (logged_.reason == 48 && !logged_.qualification &&
        logged_.entries.empty()) {
      Add("missing:",
          "the exit qualification (VMCS field 6400H): it says which access it "
          "was, and which rights the entries have together; eptdiff decode "
          "takes it");
    }
    if (!logged_.qualification) return;
    if (reason != 44 && reason != 48 && reason != 62 && reason != 66) return;
    const Decoding decoding =
        DecodeQualification(*logged_.qualification, context_);
    told_.text += Wrapped(decoding.summary, 2);
    AddWrong(decoding.wrong);
  }

  void TellEptp() {
    if (!logged_.eptp) return;
    Add("EPTP:", absl::StrCat(Hexadecimal(*logged_.eptp), ": ",
                              EptpWords(*logged_.eptp)));
    AddWrong(DecodeEptp(*logged_.eptp, context_).wrong);
  }

  void TellControls() {
    if (!logged_.secondary) return;
    Controls controls;
    controls.primary = 1u << 31;
    controls.secondary = *logged_.secondary;
    if (logged_.tertiary) {
      controls.primary |= 1u << 17;
      controls.tertiary = *logged_.tertiary;
    }
    Add("controls:", ControlWords(controls));
  }

  void TellGuestEntries() {
    const Case c = CaseUnder(0x101e, machine_);
    for (const CopiedEntry& copied : logged_.guest_entries) {
      EntryRead entry;
      entry.structure = Structure::kGuest;
      entry.level = static_cast<std::uint8_t>(copied.where->level);
      entry.value = copied.value;
      Add(absl::StrCat(EntryNameWords(entry), " = ", Hexadecimal(copied.value),
                       ":"),
          EntryWords(entry, c.processor, c.controls, c.guest));
    }
  }

  void TellEntry(const CopiedEntry& copied) {
    DecodeContext context = context_;
    context.level = copied.where ? copied.where->level : 1;
    const Decoding decoding = DecodeEntry(copied.value, context);
    told_.text += Wrapped(
        absl::StrCat(Hexadecimal(copied.value), ": ", decoding.summary), 2);
    AddWrong(decoding.wrong);
  }

  void NoWalk(const std::string& why) {
    told_.no_walk = why;
    Add("no walk:", why);
  }

  // Where no access was made no walk is missed.
  bool IsExit() const {
    return logged_.reason || logged_.qualification || logged_.gpa ||
           logged_.eptp;
  }

  // Whether there was one to tell.
  bool TellWalk() {
    if (logged_.entries.empty()) {
      if (logged_.guest_entries.empty() && IsExit()) {
        NoWalk(
            "the log has no EPT entries here (eptdiff explain --walk takes "
            "them by hand)");
      }
      return false;
    }
    const auto& first = logged_.entries.front().where;
    if (first && first->level < 4) {
      NoWalk("the entries above are not there");
      return false;
    }
    if (!GpaOfAccess()) {
      NoWalk("the log does not say the guest-physical address (--gpa)");
      return false;
    }
    const CopiedWalk walk = WalkAsLogged();
    absl::StatusOr<WalkCase> made = MakeWalkCase(walk);
    if (!made.ok()) {
      NoWalk(std::string(made.status().message()));
      return false;
    }
    std::vector<Assumption> assumed;
    if (!logged_.qualification) assumed.push_back({"the access is a read"});
    if (!Eptp()) {
      assumed.push_back(
          {absl::StrCat("EPTP ", Hexadecimal(walk.eptp)), "--eptp"});
    }
    for (const Assumption& one : made->of_access) {
      assumed.push_back({one.words});
    }
    if (!assumed.empty()) Add("assumed:", AssumedWords(assumed));
    for (const std::string& note : made->notes) Add("note:", note);
    told_.of_machine = made->of_machine;
    TellVerdict(*made);
    told_.text_case = CaseOfWalk(walk, *made);
    told_.text_case->explanation =
        absl::StrCat("From a log, ", LineWords(logged_), ": ", logged_.what,
                     ". ", told_.text_case->explanation);
    return true;
  }

  CopiedWalk WalkAsLogged() const {
    CopiedWalk walk;
    walk.gpa = GpaOfAccess();
    walk.gla = logged_.gla;
    walk.machine = machine_;
    walk.entries = logged_.entries;
    walk.eptp = Eptp().value_or(AssumedEptp());
    const std::uint64_t q = logged_.qualification.value_or(1);
    if (Bit(q, 2)) {
      walk.access.kind = AccessKind::kFetch;
    } else if (Bit(q, 1)) {
      walk.access.kind =
          Bit(q, 0) ? AccessKind::kReadModifyWrite : AccessKind::kWrite;
    }
    walk.to_guest_entry = context_.reason == 48 && Bit(q, 7) && !Bit(q, 8);
    return walk;
  }

  // As many levels as the entries have, and a root that is none of their
  // tables.
  std::uint64_t AssumedEptp() const {
    const auto& first = logged_.entries.front().where;
    const bool five = first && first->level == 5;
    std::uint64_t root = 0x1000;
    const auto is_table = [&root](const CopiedEntry& entry) {
      return (entry.value & Mask(51, 12)) == root;
    };
    while (
        std::any_of(logged_.entries.begin(), logged_.entries.end(), is_table)) {
      root += 0x1000;
    }
    return root | (five ? 0x26 : 0x1e);
  }

  void TellVerdict(const WalkCase& made) {
    Spine spine(made.c);
    spine.Advance();
    if (spine.over()) {
      const Spine entry(made.c);
      told_.answer = "VM entry fails";
      told_.text +=
          VerdictText(entry.before(), entry.verdict(), entry.trace(), style_);
      return;
    }
    Add("asked:", StepWords(made.c.steps[0]));
    const Verdict& verdict = spine.verdict();
    told_.text += VerdictText(spine.before(), verdict, spine.trace(), style_);
    if (verdict.standing != Standing::kJudged) return;
    told_.answer = ExpectedEventWords(verdict.alternatives[0]);
    if (!logged_.reason) return;
    const bool fits =
        std::any_of(verdict.alternatives.begin(), verdict.alternatives.end(),
                    [this](const Alternative& a) { return Fits(a); });
    told_.as_logged = fits ? AsLogged::kYes : AsLogged::kNo;
    if (fits) {
      told_.text += Item(2, "as logged", style_.Good("as logged"), "");
      return;
    }
    told_.text += Item(
        2, "NOT AS LOGGED:", style_.Bad("NOT AS LOGGED:"),
        "with these entries the SDM has another answer than the log. They were "
        "printed after a change, or the exit used what was cached (CACHE-9), "
        "or something that is assumed is not so.");
    if (const std::string where = WhereAsLogged(); !where.empty()) {
      Add("It would be as logged", where);
    }
  }

  // On which processors the walk has what is logged; "" if it is not known that
  // there are any.
  std::string WhereAsLogged() const {
    Words where;
    if (!machine_.maxphyaddr) {
      for (unsigned width = 51; width >= 32; --width) {
        CopiedWalk walk = WalkAsLogged();
        walk.machine.maxphyaddr = width;
        if (!FitsOn(walk)) continue;
        where.push_back(absl::StrCat("with MAXPHYADDR ", width, " or less"));
        break;
      }
    }
    if (!machine_.capabilities) {
      for (const auto& [bit, words] :
           {std::pair(0, "execute-only entries"),
            std::pair(16, "2-MByte pages"), std::pair(17, "1-GByte pages")}) {
        CopiedWalk walk = WalkAsLogged();
        walk.machine.capabilities =
            CaseUnder(walk.eptp, walk.machine).processor.ept_vpid_cap &
            ~(std::uint64_t{1} << bit);
        if (FitsOn(walk)) where.push_back(absl::StrCat("without ", words));
      }
    }
    return absl::StrJoin(where, ", or ");
  }

  bool FitsOn(const CopiedWalk& walk) const {
    const auto made = MakeWalkCase(walk);
    if (!made.ok()) return false;
    Spine spine(made->c);
    spine.Advance();
    return !spine.over() && FitsAny(spine.verdict());
  }

  bool FitsAny(const Verdict& verdict) const {
    return std::any_of(verdict.alternatives.begin(), verdict.alternatives.end(),
                       [this](const Alternative& a) { return Fits(a); });
  }

  bool Fits(const Alternative& alternative) const {
    const Event& event = alternative.event;
    if (event.kind != EventKind::kVmExit ||
        event.exit_reason != *logged_.reason) {
      return false;
    }
    if (event.exit_reason != 48 || !logged_.qualification) return true;
    const std::uint64_t differing =
        (event.qualification ^ *logged_.qualification) &
        alternative.qualification_defined & kCompared;
    return differing == 0;
  }

  const Logged& logged_;
  const BesideLog& beside_;
  const Style& style_;
  KnownMachine machine_ = beside_.machine;
  DecodeContext context_;
  ToldLog told_;
};

}  // namespace

std::string LineWords(const Logged& logged) {
  const auto [first, last] =
      std::minmax_element(logged.lines.begin(), logged.lines.end());
  return *first == *last
             ? absl::StrCat("line ", *first + 1)
             : absl::StrCat("lines ", *first + 1, " to ", *last + 1);
}

ToldLog TellLogged(const Logged& logged, const BesideLog& beside,
                   const Style& style) {
  return LogTeller(logged, beside, style).Tell();
}

}  // namespace eptdiff
