// Names of variables -> indices in Plan::variables, while a plan is made.
//
// As in nginx, a variable may be used in front of what defines it: a name gets its index when it is
// first met, and whether there is such a variable is settled at the end.
#ifndef SLUICE_CONFIG_VARIABLE_TABLE_H_
#define SLUICE_CONFIG_VARIABLE_TABLE_H_

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/diagnostic.h"
#include "config/source_text.h"
#include "config/variable.h"

namespace sluice::config {

class VariableTable {
 public:
  // The index of `name`, in lower case, which is used at `span`.
  int IndexOf(std::string_view name, const Span& span);

  // `set` gives `name` a value. Returns its index; more than one `set` of a name share it.
  int DefineSet(std::string_view name, const Span& span);

  // How many values a connection has room for.
  int num_slots() const { return num_slots_; }

  // Reports the names that nothing has defined, and hands out the variables.
  std::vector<Variable> Finish(DiagnosticList& diagnostics) &&;

 private:
  struct Entry {
    Variable variable;
    Span first_use;
    bool defined = false;
  };

  std::vector<Entry> entries_;
  std::unordered_map<std::string, int> index_by_name_;
  int num_slots_ = 0;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_VARIABLE_TABLE_H_
