// The text of configuration files, and positions in it.
//
// A Span is how everything after the lexer points back into the text. It is valid as long as its
// SourceFile, and those live as long as the SourceSet that read them.
#ifndef SLUICE_CONFIG_SOURCE_TEXT_H_
#define SLUICE_CONFIG_SOURCE_TEXT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "config/read_file.h"

namespace sluice::config {

// A place as an editor shows it. Both count from 1; a column is a character (UTF-8), a tab is one.
struct Place {
  int line = 1;
  int column = 1;
};

class SourceFile {
 public:
  // `order`: how many files were read before this one. Diagnostics are shown in this order.
  SourceFile(std::string name, std::string text, int order);

  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }
  int order() const { return order_; }

  // `offset` up to and including text().size(), which is the place behind the last character.
  Place PlaceOf(uint32_t offset) const;
  // The number of the line that `offset` stands in; cheaper than PlaceOf.
  int LineOf(uint32_t offset) const;
  // A line without its line end. `line` as in Place.
  std::string_view Line(int line) const;
  // Where that line starts.
  uint32_t LineBegin(int line) const { return line_begins_[line - 1]; }

 private:
  std::string name_;
  std::string text_;
  int order_;
  std::vector<uint32_t> line_begins_;
};

// Bytes [begin, end) of a file. Without a file: a place outside all text.
struct Span {
  const SourceFile* file = nullptr;
  uint32_t begin = 0;
  uint32_t end = 0;

  // "file:line".
  std::string Where() const;
};

// Owns every text of one run. Addresses of files stay valid when the set grows or is moved.
class SourceSet {
 public:
  using Reader = std::function<absl::StatusOr<std::string>(const std::string& path)>;
  explicit SourceSet(Reader read = ReadFile) : read_(std::move(read)) {}

  // The file at `path`, read at the first call for it. Fails as the reader does.
  absl::StatusOr<const SourceFile*> Read(const std::string& path);

  // A text that is no file, such as that of the -g option. Does not show up in TakeFiles.
  const SourceFile* AddText(std::string name, std::string text);

  // All files in the order of reading. The set is empty afterwards.
  std::vector<SourceFile> TakeFiles() &&;

 private:
  Reader read_;
  std::deque<SourceFile> files_;
  std::deque<SourceFile> texts_;
  std::unordered_map<std::string, const SourceFile*> by_path_;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_SOURCE_TEXT_H_
