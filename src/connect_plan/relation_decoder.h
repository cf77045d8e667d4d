// Spark Connect's Relation message as a resolved plan: walks the tree, children first, and calls
// PlanBuilder for each node.
#pragma once

#include <functional>
#include <string>

#include "plan/plan_builder.h"
#include "spark/connect/relations.pb.h"

namespace millrace::connect_plan {

/// Looks up a temporary view; null where there is none.
using ViewLookup = std::function<plan::PlanPtr(const std::string& name)>;

/// Errors: those of PlanBuilder; UNSUPPORTED_FEATURE / 0A000 names a relation or option that is
/// not built.
Result<plan::PlanPtr> DecodeRelation(const spark::connect::Relation& relation,
                                     const plan::PlanBuilder& builder, const ViewLookup& views);

}  // namespace millrace::connect_plan
