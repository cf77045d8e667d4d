// Temporary views by name, without case: those of a session, and those of global_temp.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "plan/logical_plan.h"

namespace millrace::connect_plan {

/// Threading: any thread.
class Views {
 public:
  /// Null where there is none.
  plan::PlanPtr Find(const std::string& name) const;
  /// False if there is one already that `replace` does not allow to go.
  bool Add(const std::string& name, bool replace, plan::PlanPtr plan);
  /// Whether there was one.
  bool Drop(const std::string& name);
  /// Name and plan of each, by name.
  std::vector<std::pair<std::string, plan::PlanPtr>> All() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, plan::PlanPtr> views_;  // guarded by mutex_; lower case
};

}  // namespace millrace::connect_plan
