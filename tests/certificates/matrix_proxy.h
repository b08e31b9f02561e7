// One sluice with a server block for every row of the matrix.
#ifndef SLUICE_TESTS_CERTIFICATES_MATRIX_PROXY_H_
#define SLUICE_TESTS_CERTIFICATES_MATRIX_PROXY_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tests/certificates/case.h"
#include "tests/support/sluice_process.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {

class MatrixProxy {
 public:
  struct Row {
    const Demands* demands;
    std::string upstream;  // Where the row's server listens.
  };

  // Waits until all rows are served.
  explicit MatrixProxy(const std::vector<Row>& rows);

  // What a connection through the row's block comes to for a client that speaks first.
  enum class Result {
    kAccepted,  // All it said came back.
    kRefused,   // The stream ended, and not a byte came.
    kOther,     // Neither: a hang, a part.
  };
  Result Connect(size_t row) const;

  // Ends sluice. The [error] lines of every row.
  std::vector<std::vector<std::string>> StopAndGetErrors();

 private:
  std::string ConfigOf(const std::vector<Row>& rows) const;
  std::string AddressOf(size_t row) const;

  const TempDir dir_;
  const size_t num_rows_;
  SluiceProcess sluice_;
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_CERTIFICATES_MATRIX_PROXY_H_
