#include "connect_plan/views.h"

#include "base/ascii.h"

namespace millrace::connect_plan {

plan::PlanPtr Views::Find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = views_.find(LowerCase(name));
  return found == views_.end() ? nullptr : found->second;
}

bool Views::Add(const std::string& name, bool replace, plan::PlanPtr plan) {
  const std::lock_guard lock(mutex_);
  const std::string key = LowerCase(name);
  if (!replace && views_.contains(key)) return false;
  views_[key] = std::move(plan);
  return true;
}

bool Views::Drop(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return views_.erase(LowerCase(name)) > 0;
}

std::vector<std::pair<std::string, plan::PlanPtr>> Views::All() const {
  const std::lock_guard lock(mutex_);
  return {views_.begin(), views_.end()};
}

}  // namespace millrace::connect_plan
