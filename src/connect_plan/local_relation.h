// Rows that come with a plan, or were uploaded before it: LocalRelation and its cached
// forms.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "plan/plan_builder.h"
#include "spark/connect/relations.pb.h"

namespace millrace::connect_plan {

/// An uploaded artifact by name; null where there is none.
using ArtifactLookup =
    std::function<std::shared_ptr<const std::string>(const std::string& name)>;

/// Errors: INVALID_LOCAL_RELATION / 42601 for rows that are no Arrow stream, or do not
/// fit the schema.
Result<plan::PlanPtr> DecodeLocal(const spark::connect::LocalRelation& local,
                                  const plan::PlanBuilder& builder);
/// Of PySpark 4.0: one artifact, a serialised LocalRelation. Errors:
/// CONNECT_INVALID_PLAN.NOT_FOUND_CACHED_LOCAL_RELATION / 56K00.
Result<plan::PlanPtr> DecodeCachedLocal(const spark::connect::CachedLocalRelation& cached,
                                        const plan::PlanBuilder& builder,
                                        const ArtifactLookup& artifacts);
/// Since PySpark 4.1: an artifact with the schema, and one for each chunk of rows.
Result<plan::PlanPtr> DecodeChunkedLocal(
    const spark::connect::ChunkedCachedLocalRelation& chunked,
    const plan::PlanBuilder& builder, const ArtifactLookup& artifacts);

}  // namespace millrace::connect_plan
