#include "tests/support/temp_dir.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"

namespace sluice::testing {

TempDir::TempDir() : path_("/tmp/sluice_test_XXXXXX") { PCHECK(mkdtemp(path_.data()) != nullptr); }

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::File(std::string_view name) const { return absl::StrCat(path_, "/", name); }

std::string TempDir::Write(std::string_view name, std::string_view contents) const {
  const std::string path = File(name);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << contents;
  file.close();
  CHECK(file.good()) << path;
  return path;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace sluice::testing
