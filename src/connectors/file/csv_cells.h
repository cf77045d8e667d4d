// Cuts CSV records into cells as univocity does under Spark's settings.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "connectors/file/text_column.h"

namespace millrace::connectors::file {

struct CsvDialect {
  std::string separator = ",";
  char quote = '"';  // 0: none
  char escape = '\\';
  char comment = 0;  // 0: none
  bool trim_left = false;
  bool trim_right = false;
  std::string null_text;   // unquoted empty cells and cells equal to it are null
  std::string empty_text;  // what "" in quotes means

  static Result<CsvDialect> Make(const Options& options);
};

/// Threading: one thread.
class CsvCells {
 public:
  explicit CsvCells(CsvDialect dialect) : dialect_(std::move(dialect)) {}

  /// Whether a line has no record: blank, or a comment.
  bool Skips(std::string_view line) const;

  /// The cells of a record; null ones have no data. They point into `record` or into this
  /// object, until Forget. `open_quote` says whether the record ended inside quotes.
  void Cut(std::string_view record, std::vector<Cell>* cells, bool* open_quote);

  /// Ends the life of cells cut so far.
  void Forget() { texts_.clear(); }

 private:
  Cell QuotedCell(std::string_view* rest, bool* open_quote);
  Cell Finish(std::string_view text, bool quoted) const;

  CsvDialect dialect_;
  std::deque<std::string> texts_;  // cells that had to be unescaped
};

}  // namespace millrace::connectors::file
