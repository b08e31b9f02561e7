#include "tls/memory_bio.h"

#include <openssl/bio.h>

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

std::vector<uint8_t> BytesOf(std::string_view text) { return {text.begin(), text.end()}; }

std::string Read(MemoryBio& bio, int len) {
  std::string text(static_cast<size_t>(len), '\0');
  const int num_read = BIO_read(bio.bio(), text.data(), len);
  text.resize(num_read < 0 ? 0 : static_cast<size_t>(num_read));
  return text;
}

int Write(MemoryBio& bio, std::string_view text) {
  return BIO_write(bio.bio(), text.data(), static_cast<int>(text.size()));
}

TEST(MemoryBioTest, ReadsTheInputInOrderAndThenAsksForMore) {
  MemoryBio bio;
  std::vector<uint8_t> first = BytesOf("abcdef");
  bio.Lend(first, {});
  EXPECT_EQ(Read(bio, 4), "abcd");
  EXPECT_EQ(bio.input_left(), 2u);
  EXPECT_EQ(Read(bio, 4), "ef");
  char byte;
  EXPECT_EQ(BIO_read(bio.bio(), &byte, 1), -1);
  EXPECT_TRUE(BIO_should_read(bio.bio()));
  std::vector<uint8_t> second = BytesOf("g");
  bio.Lend(second, {});
  EXPECT_EQ(Read(bio, 4), "g");
  EXPECT_FALSE(BIO_should_retry(bio.bio()));
}

TEST(MemoryBioTest, WritesInOrderWhateverTheRoom) {
  const std::string text(100, 'x');
  for (size_t room_len = 0; room_len <= 40; ++room_len) {
    MemoryBio bio;
    std::string out;
    int num_written = 0;
    // 40 writes of one to forty bytes; each is repeated until all of it is taken.
    std::string expected;
    for (int i = 1; i <= 40; ++i) {
      std::string piece;
      for (int j = 0; j < i; ++j) piece.push_back(static_cast<char>('a' + (i + j) % 26));
      expected += piece;
      std::string_view rest = piece;
      while (!rest.empty()) {
        std::vector<uint8_t> room(room_len == 0 ? 1 : room_len);
        bio.Lend({}, room);
        num_written = bio.keeps_output() ? 0 : Write(bio, rest);
        if (num_written > 0) rest.remove_prefix(static_cast<size_t>(num_written));
        out.append(room.begin(), room.end() - static_cast<ptrdiff_t>(bio.output_left()));
        bio.TakeBack();
      }
    }
    while (bio.keeps_output()) {
      uint8_t byte;
      bio.Lend({}, {&byte, 1});
      out.push_back(static_cast<char>(byte));
      bio.TakeBack();
    }
    EXPECT_EQ(out, expected) << room_len;
  }
}

TEST(MemoryBioTest, KeepsATailOfItsBoundAndRefusesOneByteMore) {
  MemoryBio bio;
  std::vector<uint8_t> room(10);
  bio.Lend({}, room);
  EXPECT_EQ(Write(bio, std::string(10 + kKeptBytesMax + 1, 'x')),
            static_cast<int>(10 + kKeptBytesMax));
  EXPECT_TRUE(bio.keeps_output());
  EXPECT_EQ(Write(bio, "y"), -1);
  EXPECT_TRUE(BIO_should_write(bio.bio()));
}

TEST(MemoryBioTest, LentSpansAreForgotten) {
  MemoryBio bio;
  uint8_t room[1];
  std::vector<uint8_t> input = BytesOf("abc");
  bio.Lend(input, room);
  bio.TakeBack();
  EXPECT_EQ(bio.input_left(), 0u);
  EXPECT_EQ(bio.output_left(), 0u);
  EXPECT_EQ(Read(bio, 1), "");
}

TEST(MemoryBioTest, FlushSucceedsAndNothingElseIsControlled) {
  MemoryBio bio;
  EXPECT_EQ(BIO_flush(bio.bio()), 1);
  EXPECT_EQ(BIO_pending(bio.bio()), 0u);
  EXPECT_EQ(BIO_reset(bio.bio()), 0);
}

}  // namespace
}  // namespace sluice::tls
