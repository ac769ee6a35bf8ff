#include "oracle/target/session/mtrr_session.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include "oracle/target/eptdiff_mtrr.h"
#include "oracle/target/process/child_process.h"
#include "oracle/target/process/crash_place.h"
#include "oracle/target/session/open_target.h"
#include "oracle/target/session/shared_object.h"

namespace eptdiff {
namespace {

static_assert(EPTDIFF_MTRR_FIXED == kFixedMtrrs);
static_assert(EPTDIFF_MTRR_VARIABLE == kVariableMtrrs);

eptdiff_mtrrs AsAsked(const Mtrrs& mtrrs) {
  eptdiff_mtrrs asked;
  std::memset(&asked, 0, sizeof(asked));
  asked.size = sizeof(asked);
  asked.maxphyaddr = mtrrs.maxphyaddr;
  asked.cap = mtrrs.cap;
  asked.def_type = mtrrs.def_type;
  std::copy(mtrrs.fixed.begin(), mtrrs.fixed.end(), asked.fixed);
  for (std::size_t i = 0; i < kVariableMtrrs; ++i) {
    asked.variable[i] = {mtrrs.variable[i].base, mtrrs.variable[i].mask};
  }
  asked.smrr = {mtrrs.smrr.base, mtrrs.smrr.mask};
  return asked;
}

constexpr std::uint32_t kRam = 0xff;

MemoryPolicy PolicyOf(std::uint32_t policy) {
  MemoryPolicy result;
  switch (policy & kRam) {
    case EPTDIFF_RAM_WRITE_BACK:
      result.ram = RamPolicy::kWriteBack;
      break;
    case EPTDIFF_RAM_AS_GUEST:
      result.ram = RamPolicy::kAsGuest;
      break;
    default:
      break;
  }
  result.passes_cache_disable = (policy & EPTDIFF_CD_IS_THE_GUESTS) != 0;
  result.pat_alone = (policy & EPTDIFF_PAT_ALONE) != 0;
  result.and_machine = (policy & EPTDIFF_AND_MACHINE) != 0;
  result.disables_by_pat = (policy & EPTDIFF_CD_IN_PAT) != 0;
  return result;
}

constexpr std::uint32_t kNoAnswer = ~0u;

// As memory_types.h has it.
std::uint32_t AnswerToMemory(std::uint32_t answer) {
  if (answer < kPatIsIgnored) return answer;
  if (answer == EPTDIFF_MTRR_SMALLER_PAGES) return kSmallerPages;
  return answer == EPTDIFF_MTRR_NO_SUCH_PAGE ? kNoSuchPage : kNoAnswer;
}
std::uint32_t AnswerToPage(std::uint32_t answer) {
  constexpr std::uint32_t kEntry = 0x78;  // bits 6:3
  if ((answer & ~kEntry) == 0) return answer >> 3;
  if (answer == EPTDIFF_PAGE_SMALLER_PAGES) return kSmallerPages;
  return answer == EPTDIFF_PAGE_NO_SUCH_PAGE ? kNoSuchPage : kNoAnswer;
}

std::uint32_t Answer(const MtrrFunctions& functions,
                     const MtrrQuestion& question) {
  const eptdiff_mtrrs mtrrs = AsAsked(question.mtrrs);
  if (!question.page.has_value()) {
    return AnswerToMemory(
        functions.memory(&mtrrs, question.hpa, question.bytes));
  }
  const AskedPage& asked = *question.page;
  const eptdiff_mtrrs guest = AsAsked(asked.mtrrs);
  eptdiff_page page;
  std::memset(&page, 0, sizeof(page));
  page.size = sizeof(page);
  page.flags = (asked.is_device ? EPTDIFF_PAGE_IS_DEVICE : 0) |
               (asked.is_unsnooped ? EPTDIFF_PAGE_IS_UNSNOOPED : 0);
  page.host = &mtrrs;
  page.guest = &guest;
  page.guest_cr0 = 0x21u | (asked.cache_disabled ? 1u << 30 : 0) |
                   (asked.paging_off ? 0 : 1u << 31);
  page.gpa = asked.gpa;
  page.hpa = question.hpa;
  page.bytes = question.bytes;
  return AnswerToPage(functions.page(&page));
}

}  // namespace

struct MtrrSession::Shared {
  std::atomic<std::size_t> done;
  bool finished;
  bool claims, loaded;
  bool says_memory, says_pages;
  std::uint32_t policy;
  FaultReport fault;
  char error[1024];
  std::uint32_t answers[kMaxBatch];
};

MtrrSession::MtrrSession(std::string path, std::chrono::milliseconds limit)
    : path_(std::move(path)),
      name_(NameOfTarget(path_)),
      limit_(limit),
      shared_(static_cast<Shared*>(mmap(nullptr, sizeof(Shared),
                                        PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0))),
      output_(memfd_create("output", MFD_CLOEXEC)) {}

MtrrSession::~MtrrSession() {
  if (shared_ != MAP_FAILED) munmap(shared_, sizeof(Shared));
  if (output_ >= 0) close(output_);
}

std::unique_ptr<MtrrSession> MtrrSession::Open(const std::string& path,
                                               std::chrono::milliseconds limit,
                                               std::string& error) {
  error.clear();
  if (!IsSharedObject(path) || access(path.c_str(), R_OK) != 0) return nullptr;
  std::unique_ptr<MtrrSession> session(new MtrrSession(path, limit));
  Shared* const shared = session->shared_;
  if (shared == MAP_FAILED || session->output_ < 0) {
    error = std::string("no shared memory: ") + std::strerror(errno);
    return nullptr;
  }
  new (shared) Shared();
  session->InChild([&] {
    MtrrFunctions functions;
    std::string why;
    shared->loaded = LoadMtrr(path, functions, shared->claims, why);
    shared->says_memory = functions.memory != nullptr;
    shared->says_pages = functions.page != nullptr;
    shared->policy = functions.policy;
    std::snprintf(shared->error, sizeof(shared->error), "%s", why.c_str());
  });
  if (!shared->claims) return nullptr;
  if (!shared->loaded) {
    error = shared->error;
    return nullptr;
  }
  session->policy_ = PolicyOf(shared->policy);
  return session;
}

bool MtrrSession::SaysMemory() const { return shared_->says_memory; }

bool MtrrSession::SaysPages() const { return shared_->says_pages; }

std::vector<MtrrReply> MtrrSession::Ask(
    std::span<const MtrrQuestion> questions) {
  const auto batch = questions.first(std::min(kMaxBatch, questions.size()));
  const Incident incident = InChild([&] {
    MtrrFunctions functions;
    std::string why;
    bool claims;
    if (!LoadMtrr(path_, functions, claims, why)) _exit(1);
    for (const MtrrQuestion& question : batch) {
      shared_->answers[shared_->done] = Answer(functions, question);
      ++shared_->done;
    }
  });
  std::vector<MtrrReply> replies;
  const std::size_t done = std::min<std::size_t>(shared_->done, batch.size());
  for (std::size_t i = 0; i < done; ++i) {
    replies.push_back({Incident(), shared_->answers[i]});
  }
  if (done == batch.size()) return replies;
  // Many questions take their time. Whether one of them hangs it shows alone.
  const bool slow = incident.kind == IncidentKind::kTimeLimit && done > 0;
  replies.push_back(slow ? Ask(batch[done]) : MtrrReply{incident, 0});
  return replies;
}

MtrrReply MtrrSession::Ask(const MtrrQuestion& question) {
  return Ask(std::span(&question, 1)).front();
}

std::string MtrrSession::LastOutput() const {
  const std::string fault = faults_.last();
  return fault.empty() ? Printed(output_) : fault;
}

Incident MtrrSession::InChild(const std::function<void()>& work) {
  EmptyOutput(output_);
  shared_->done = 0;
  shared_->finished = false;
  shared_->fault.fault = 0;
  std::fflush(nullptr);  // or the child would print it again
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    SettleChild(parent, output_);
    TellFaultsTo(&shared_->fault);
    TellWhereItCrashes();
    work();
    shared_->finished = true;
    std::fflush(nullptr);
    _exit(0);
  }
  if (child < 0) return {IncidentKind::kExit, 0};
  int status = 0;
  const bool ended = WaitForEnd(child, limit_, status);
  const Incident fault = faults_.Take(shared_->fault, output_);
  if (fault.kind != IncidentKind::kNone) return fault;
  if (!ended) {
    return {IncidentKind::kTimeLimit,
            static_cast<std::uint64_t>(limit_.count())};
  }
  if (shared_->finished) return Incident();
  if (WIFSIGNALED(status)) {
    return {IncidentKind::kCrash, static_cast<std::uint64_t>(WTERMSIG(status))};
  }
  return {IncidentKind::kExit, static_cast<std::uint64_t>(WEXITSTATUS(status))};
}

}  // namespace eptdiff
