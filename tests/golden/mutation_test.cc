// Random damage to every golden configuration: whatever the file, Load ends, reports what is wrong
// with a place, and gives a plan only if nothing is. Crashes, hangs and bad memory accesses show
// by themselves, most of all in the asan build.
//
// The seed is fixed; MUTATION_SEED takes another, MUTATION_ROUNDS another number of rounds for each
// file.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "config/load.h"
#include "config/plan_dump.h"
#include "tests/golden/golden_options.h"

namespace sluice::golden {
namespace {

unsigned long NumberFromEnvironment(const char* name, unsigned long otherwise) {
  const char* text = getenv(name);
  return text == nullptr ? otherwise : strtoul(text, nullptr, 10);
}

class Mutator {
 public:
  explicit Mutator(unsigned long seed) : random_(seed) {}

  std::string Mutate(std::string text) {
    const size_t num_mutations = 1 + Below(8);
    for (size_t i = 0; i < num_mutations; ++i) MutateOnce(&text);
    return text;
  }

 private:
  size_t Below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void MutateOnce(std::string* text) {
    static constexpr std::string_view kPieces[] = {";",
                                                   "{",
                                                   "}",
                                                   "\"",
                                                   "'",
                                                   "\\",
                                                   "#",
                                                   "\n",
                                                   "$",
                                                   "${",
                                                   "\t",
                                                   "\xFF",
                                                   "\xEF\xBB\xBF",
                                                   "99999999999999999999",
                                                   "-1",
                                                   "0",
                                                   "on",
                                                   "=",
                                                   ":",
                                                   "[::]",
                                                   "unix:",
                                                   "listen",
                                                   "server {",
                                                   "stream {",
                                                   "include ",
                                                   "proxy_pass ",
                                                   "*",
                                                   "include mutated.conf;",
                                                   "18446744073709551616k",
                                                   "\x01"};
    const size_t at = Below(text->size() + 1);
    switch (Below(6)) {
      case 0:  // A byte becomes another.
        if (at < text->size()) (*text)[at] = static_cast<char>(Below(256));
        break;
      case 1:  // Something goes.
        text->erase(at, Below(12));
        break;
      case 2:  // Something comes.
        text->insert(at, kPieces[Below(std::size(kPieces))]);
        break;
      case 3:  // A part is said again elsewhere.
        text->insert(Below(text->size() + 1), text->substr(at, Below(200)));
        break;
      case 4:  // The end is missing.
        if (Below(4) == 0) text->resize(at);
        break;
      case 5:  // Something very long.
        if (Below(16) == 0) text->insert(at, std::string(5000, 'x'));
        break;
    }
  }

  std::mt19937_64 random_;
};

// A copy of the golden folder that can be written to.
class MutationTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = absl::StrCat(testing::TempDir(), "/mutation_test.", getpid());
    std::filesystem::copy(kDirectory, directory_,
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void Load(const std::string& text) {
    const std::string name = "mutated.conf";
    std::ofstream(absl::StrCat(directory_, "/", name), std::ios::binary) << text;
    config::LoadOptions options = GoldenOptions(name);
    options.prefix = directory_;
    const config::LoadResult result = config::Load(options);
    ASSERT_EQ(result.plan.has_value(), !result.diagnostics.has_errors());
    if (result.plan.has_value()) {
      ASSERT_FALSE(config::DumpPlan(*result.plan).empty());
    } else {
      ASSERT_FALSE(result.diagnostics.Render().empty());
    }
  }

  std::string directory_;
};

TEST_F(MutationTest, AnyDamageEndsInAPlanOrInDiagnostics) {
  const unsigned long seed = NumberFromEnvironment("MUTATION_SEED", 20260101);
  const unsigned long rounds = NumberFromEnvironment("MUTATION_ROUNDS", 40);
  Mutator mutator(seed);
  for (const std::string& name : ConfigurationNames()) {
    std::ifstream file(absl::StrCat(kDirectory, "/", name), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    for (unsigned long round = 0; round < rounds; ++round) {
      SCOPED_TRACE(absl::StrCat(name, " round ", round, " seed ", seed));
      Load(mutator.Mutate(text.str()));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(MutationTest, NoiseEndsInDiagnostics) {
  std::mt19937_64 random(NumberFromEnvironment("MUTATION_SEED", 20260101));
  for (int round = 0; round < 200; ++round) {
    std::string noise(random() % 4096, '\0');
    for (char& c : noise) c = static_cast<char>(random() % 255 + (round % 2));
    SCOPED_TRACE(round);
    Load(noise);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::golden
