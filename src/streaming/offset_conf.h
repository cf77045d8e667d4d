// The settings written into offsets/N. Spark: OffsetSeqMetadata.relevantSQLConfs.
#pragma once

#include "checkpoint/offset_log.h"
#include "plan/catalog.h"

namespace millrace::streaming {

/// Spark's keys in Spark's order with this session's values, then ours that are not
/// default.
checkpoint::Conf OffsetConf(const plan::SessionConf& conf);

/// What a checkpoint was begun with wins over the session: applies a stored conf.
Status ApplyOffsetConf(const checkpoint::Conf& stored, plan::SessionConf* conf);

}  // namespace millrace::streaming
