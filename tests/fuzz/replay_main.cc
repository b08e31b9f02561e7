// Gives a fuzzer's LLVMFuzzerTestOneInput every file of the folders named on the command line, each
// as a test case of its own: what once was found stays fixed, with every compiler and sanitizer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace sluice::fuzz {
namespace {

// A failed property ends the process; the line "[ RUN ] Corpus.NAME" before it tells the file.
class Replay : public testing::Test {
 public:
  explicit Replay(std::string path) : path_(std::move(path)) {}

  void TestBody() override {
    std::ifstream file(path_, std::ios::binary);
    ASSERT_TRUE(file.is_open()) << path_;
    // A copy of exactly its size: one byte read behind it is one too many.
    const std::vector<char> input{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }

 private:
  const std::string path_;
};

TEST(Corpus, HasTheEmptyInput) { LLVMFuzzerTestOneInput(nullptr, 0); }

void RegisterFolder(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::filesystem::path& path : paths) {
    testing::RegisterTest("Corpus", path.filename().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [path]() -> testing::Test* { return new Replay(path.string()); });
  }
}

}  // namespace
}  // namespace sluice::fuzz

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc < 2) {
    std::cerr << "usage: " << argv[0] << " FOLDER...\n";
    return 2;
  }
  for (int i = 1; i < argc; ++i) sluice::fuzz::RegisterFolder(argv[i]);
  return RUN_ALL_TESTS();
}
