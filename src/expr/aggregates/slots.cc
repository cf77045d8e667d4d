#include "expr/aggregates/slots.h"

#include "base/error.h"

namespace millrace::expr {

void PutBytes(std::string_view bytes, std::string* out) {
  PutPlain(static_cast<uint32_t>(bytes.size()), out);
  out->append(bytes);
}

bool GetBytes(std::string_view* in, std::string_view* bytes) {
  uint32_t size = 0;
  if (!GetPlain(in, &size) || in->size() < size) return false;
  *bytes = in->substr(0, size);
  in->remove_prefix(size);
  return true;
}

Status StateRead(bool complete, std::string_view aggregate) {
  if (complete) return Status::OK();
  return Error(
             Fault::kData,
             "The stored state of the aggregate {} is cut short or damaged. Restore the "
             "checkpoint from a copy, or start the query with a new checkpoint.",
             aggregate)
      .Class("CANNOT_LOAD_STATE_STORE.UNCATEGORIZED", "58030")
      .Java(kSparkException);
}

}  // namespace millrace::expr
