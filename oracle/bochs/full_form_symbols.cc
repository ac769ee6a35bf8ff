// The rest of a simulator around Bochs's whole processor: parameters, logging,
// and devices that are not there. None of it is reached by an EPT walk.
#include <cstdarg>
#include <string_view>

#include "oracle/bochs/full_form.h"

// clang-format off: Bochs's other headers need these.
#include "oracle/bochs/bochs_headers.h"
#include "gui/gui.h"
#include "gui/siminterface.h"
#include "iodev/iodev.h"
#include "param_names.h"
// clang-format on

// Storage without construction: there are no devices.
using Devices = unsigned char[sizeof(bx_devices_c)];
alignas(bx_devices_c) Devices eptdiff_bochs_devices __asm__("bx_devices");
bx_gui_c* bx_gui = nullptr;
bool bx_user_quit = false;

bx_pc_system_c bx_pc_system;  // before the processor, which has timers there
BX_CPU_C bx_cpu;
bx_debug_t bx_dbg;
bx_simulator_interface_c* SIM = nullptr;
bx_list_c* root_param = nullptr;
logfunctions* siminterface_log = nullptr;
logfunctions* genlog = nullptr;
iofunctions* io = nullptr;
Bit32u apic_id_mask = 0xff;
bool simulate_xapic = true;

namespace eptdiff::bochs {
namespace {

// The models, in the order of Bochs's own enumeration of them.
constexpr const char* kModels[] = {
#define bx_define_cpudb(model) #model,
#include "cpudb.h"
#undef bx_define_cpudb
    nullptr};

constexpr int FindModel(std::string_view name) {
  for (int i = 0; kModels[i] != nullptr; ++i) {
    if (kModels[i] == name) return i;
  }
  return -1;
}

// The last of its processors that has EPT and needs no AVX. What a case says of
// the processor is set for each case.
constexpr int kModel = FindModel("corei7_sandy_bridge_2600k");
static_assert(kModel >= 0);

// Bochs asks for its parameters by name. These are all that its processor asks
// for: numbers are 1 (one processor of one core), flags are off, texts empty.
class Parameters : public bx_simulator_interface_c {
 public:
  bx_param_num_c* get_param_num(const char*, bx_param_c*) override {
    return &number_;
  }
  bx_param_bool_c* get_param_bool(const char*, bx_param_c*) override {
    return &flag_;
  }
  bx_param_string_c* get_param_string(const char*, bx_param_c*) override {
    return &text_;
  }
  bx_param_enum_c* get_param_enum(const char* name, bx_param_c*) override {
    if (std::string_view(name) != BXPN_CPU_MODEL) return nullptr;
    return &model_;
  }

 private:
  bx_param_num_c number_{nullptr, "number", "", "", 0, 1, 1};
  bx_param_bool_c flag_{nullptr, "flag", "", "", false};
  bx_param_string_c text_{nullptr, "text", "", "", "", 1};
  bx_param_enum_c model_{
      nullptr, "model", "", "", const_cast<const char**>(kModels), kModel};
};

}  // namespace

void ProvideSimulator() {
  static bx_simulator_interface_c identifiers;  // numbers the parameters
  SIM = &identifiers;
  SIM = new Parameters;
}

}  // namespace eptdiff::bochs

// Logging: nothing is said, and a panic ends the question.
logfunctions::logfunctions() : name(nullptr), prefix(nullptr) {}
logfunctions::~logfunctions() = default;
void logfunctions::put(const char*, const char*) {}
void logfunctions::panic(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  eptdiff::bochs::Panic(format, arguments);
}
void logfunctions::fatal1(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  eptdiff::bochs::Panic(format, arguments);
}

// Devices and memory that a walk never asks for.
Bit32u bx_devices_c::inp(Bit16u, unsigned) { return 0; }
void bx_devices_c::outp(Bit16u, Bit32u, unsigned) {}
void bx_devices_c::reset(unsigned) {}
void bx_devices_c::exit() {}
void bx_gui_c::cleanup() {}
bool BX_MEM_C::dbg_fetch_mem(BX_CPU_C*, bx_phy_address, unsigned, Bit8u*) {
  return false;
}
Bit64u BX_MEMORY_STUB_C::get_memory_len() { return 0; }
