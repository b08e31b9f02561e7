// Tokens -> tree. Syntax only: knows no directive, not even `include`.
#ifndef SLUICE_CONFIG_PARSER_H_
#define SLUICE_CONFIG_PARSER_H_

#include "config/diagnostic.h"
#include "config/source_text.h"
#include "config/tree.h"

namespace sluice::config {

// Parses the whole of `file`. What is wrong is reported, and parsing goes on behind it, so that one
// run finds every problem; the tree holds all that could be understood. The tree points into
// `file`.
Tree Parse(const SourceFile& file, DiagnosticList& diagnostics);

// The message for a directive whose ';' is missing, and its place: the last character of the word
// that `last` spans, where the ';' has to go.
void ReportNotTerminated(const Word& name, Span last, DiagnosticList& diagnostics);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_PARSER_H_
