#include "config/source_text.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice::config {

SourceFile::SourceFile(std::string name, std::string text, int order)
    : name_(std::move(name)), text_(std::move(text)), order_(order) {
  line_begins_.push_back(0);
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_begins_.push_back(static_cast<uint32_t>(i + 1));
  }
}

int SourceFile::LineOf(uint32_t offset) const {
  const auto after = std::upper_bound(line_begins_.begin(), line_begins_.end(), offset);
  return static_cast<int>(after - line_begins_.begin());
}

Place SourceFile::PlaceOf(uint32_t offset) const {
  Place place;
  place.line = LineOf(offset);
  // Bytes 10xxxxxx continue a character that has been counted.
  place.column += static_cast<int>(
      std::count_if(text_.begin() + LineBegin(place.line), text_.begin() + offset,
                    [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  return place;
}

std::string_view SourceFile::Line(int line) const {
  const size_t begin = LineBegin(line);
  const size_t end = std::min(text_.find('\n', begin), text_.size());
  std::string_view text = std::string_view(text_).substr(begin, end - begin);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

std::string Span::Where() const { return absl::StrCat(file->name(), ":", file->LineOf(begin)); }

absl::StatusOr<const SourceFile*> SourceSet::Read(const std::string& path) {
  const auto known = by_path_.find(path);
  if (known != by_path_.end()) return known->second;
  absl::StatusOr<std::string> text = read_(path);
  if (!text.ok()) return text.status();
  const int order = static_cast<int>(files_.size() + texts_.size());
  files_.emplace_back(path, *std::move(text), order);
  by_path_[path] = &files_.back();
  return &files_.back();
}

const SourceFile* SourceSet::AddText(std::string name, std::string text) {
  const int order = static_cast<int>(files_.size() + texts_.size());
  texts_.emplace_back(std::move(name), std::move(text), order);
  return &texts_.back();
}

std::vector<SourceFile> SourceSet::TakeFiles() && {
  by_path_.clear();
  return {std::make_move_iterator(files_.begin()), std::make_move_iterator(files_.end())};
}

}  // namespace sluice::config
