// A folder that lives as long as the object that made it.
#ifndef SLUICE_TESTS_SUPPORT_TEMP_DIR_H_
#define SLUICE_TESTS_SUPPORT_TEMP_DIR_H_

#include <string>
#include <string_view>

namespace sluice::testing {

// Stands under /tmp whatever TEST_TMPDIR says: a unix socket's path has room for 107 bytes only.
class TempDir {
 public:
  TempDir();
  ~TempDir();  // Removes the folder and all in it.
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // Absolute path of `name` in this folder; makes nothing.
  std::string File(std::string_view name) const;
  // Creates or replaces a file, and returns its absolute path.
  std::string Write(std::string_view name, std::string_view contents) const;

 private:
  std::string path_;
};

// The whole of a file; empty if there is none.
std::string ReadFile(const std::string& path);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_TEMP_DIR_H_
