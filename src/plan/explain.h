// Plans as text: df.explain() and errors that show a plan.
#pragma once

#include <string>

#include "plan/logical_plan.h"

namespace millrace::plan {

/// One line per node, children indented, columns as name#id.
std::string TreeText(const PlanPtr& plan);

}  // namespace millrace::plan
