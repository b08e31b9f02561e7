#include "config/diagnostic.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "config/limits.h"
#include "config/quote.h"

namespace sluice::config {
namespace {

// A longer line is shown as a window around the fault.
constexpr size_t kWindowBytesMax = 160;
constexpr size_t kWindowBytesBefore = 60;
// A UTF-8 character's, behind its first.
constexpr size_t kContinuationBytesMax = 3;

bool ContinuesCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Where the character that holds byte `pos` of `text` begins. Bytes that are no UTF-8 are
// characters of their own.
size_t CharacterBegin(std::string_view text, size_t pos) {
  for (size_t i = pos; pos - i <= kContinuationBytesMax && i < text.size(); --i) {
    if (!ContinuesCharacter(text[i])) return static_cast<unsigned char>(text[i]) >= 0xC0 ? i : pos;
    if (i == 0) break;
  }
  return pos;
}

// One character of the file as the terminal may see it. Bytes above 0x7F pass: UTF-8.
char Printable(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F ? '?' : c;
}

// Fills `line` and `caret` for bytes [begin, end) of `text`, which is one line.
void Draw(std::string_view text, size_t begin, size_t end, Diagnostic* diagnostic) {
  begin = std::min(begin, text.size());
  end = std::clamp(end, begin, text.size());
  size_t window_begin = 0;
  size_t window_end = text.size();
  if (text.size() > kWindowBytesMax) {
    window_begin = begin > kWindowBytesBefore ? begin - kWindowBytesBefore : 0;
    window_begin = CharacterBegin(text, window_begin);
    window_end = std::min(window_begin + kWindowBytesMax, text.size());
    if (window_end < text.size()) window_end = CharacterBegin(text, window_end);
  }
  if (window_begin > 0) {
    diagnostic->line = "...";
    diagnostic->caret = "   ";
  }
  for (size_t i = window_begin; i < window_end; ++i) {
    diagnostic->line += Printable(text[i]);
    if (ContinuesCharacter(text[i]) && i != begin) continue;
    if (i < begin) {
      // The same tab under a tab: aligned at any tab width.
      diagnostic->caret += text[i] == '\t' ? '\t' : ' ';
    } else if (i > begin && i < end) {
      diagnostic->caret += '~';
    } else if (i == begin) {
      diagnostic->caret += '^';
    }
  }
  if (begin >= window_end) diagnostic->caret += '^';
  if (window_end < text.size()) diagnostic->line += "...";
}

}  // namespace

const char* SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNotice:
      return "notice";
  }
  return "unknown";
}

bool DiagnosticList::full() const { return entries_.size() >= kDiagnosticsKeptMax; }

void DiagnosticList::Add(Severity severity, Span span, std::string message) {
  const int file_order = span.file == nullptr ? -1 : span.file->order();
  if (!full() && !seen_.insert(absl::StrCat(file_order, ":", span.begin, ":", message)).second) {
    return;
  }
  if (severity == Severity::kError) ++num_errors_;
  if (severity == Severity::kWarning) ++num_warnings_;
  if (full()) {
    ++num_dropped_;
    return;
  }
  Entry entry{.diagnostic = {.severity = severity, .message = EscapeControls(message)},
              .file_order = file_order,
              .offset = span.begin};
  if (span.file != nullptr) {
    entry.diagnostic.file = EscapeControls(span.file->name());
    span.begin = static_cast<uint32_t>(CharacterBegin(span.file->text(), span.begin));
    entry.diagnostic.place = span.file->PlaceOf(span.begin);
    const int line = entry.diagnostic.place.line;
    const uint32_t line_begin = span.file->LineBegin(line);
    Draw(span.file->Line(line), span.begin - line_begin, span.end - line_begin, &entry.diagnostic);
  }
  entries_.push_back(std::move(entry));
}

std::vector<Diagnostic> DiagnosticList::Sorted() const {
  std::vector<const Entry*> order;
  order.reserve(entries_.size());
  for (const Entry& entry : entries_) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->file_order, a->offset) < std::pair(b->file_order, b->offset);
  });
  std::vector<Diagnostic> sorted;
  sorted.reserve(order.size());
  for (const Entry* entry : order) sorted.push_back(entry->diagnostic);
  return sorted;
}

std::string DiagnosticList::Render() const {
  std::vector<Diagnostic> shown = Sorted();
  int num_hidden = num_dropped_;
  if (shown.size() > kDiagnosticsShownMax) {
    std::stable_partition(shown.begin(), shown.end(), [](const Diagnostic& diagnostic) {
      return diagnostic.severity == Severity::kError;
    });
    num_hidden += static_cast<int>(shown.size()) - kDiagnosticsShownMax;
    shown.resize(kDiagnosticsShownMax);
  }
  std::string text;
  for (const Diagnostic& d : shown) {
    if (!d.file.empty())
      absl::StrAppend(&text, d.file, ":", d.place.line, ":", d.place.column, ": ");
    absl::StrAppend(&text, SeverityName(d.severity), ": ", d.message, "\n");
    if (!d.file.empty()) absl::StrAppend(&text, d.line, "\n", d.caret, "\n");
  }
  if (num_hidden > 0) absl::StrAppend(&text, "... and ", num_hidden, " more not shown\n");
  return text;
}

}  // namespace sluice::config
