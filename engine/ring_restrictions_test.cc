#include "engine/ring_restrictions.h"

#include <fcntl.h>
#include <liburing.h>

#include <cerrno>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

class RingRestrictionsTest : public testing::Test {
 protected:
  RingRestrictionsTest() {
    EXPECT_EQ(io_uring_queue_init(4, &ring_, IORING_SETUP_R_DISABLED), 0);
    EXPECT_EQ(RestrictRing(&ring_), 0);
    EXPECT_EQ(io_uring_enable_rings(&ring_), 0);
  }
  ~RingRestrictionsTest() override { io_uring_queue_exit(&ring_); }

  // What the kernel answers to the one operation that is queued.
  int Result() {
    io_uring_cqe* cqe;
    EXPECT_EQ(io_uring_submit_and_wait(&ring_, 1), 1);
    EXPECT_EQ(io_uring_peek_cqe(&ring_, &cqe), 0);
    const int result = cqe->res;
    io_uring_cqe_seen(&ring_, cqe);
    return result;
  }

  io_uring ring_;
};

TEST_F(RingRestrictionsTest, FilesCannotBeOpened) {
  io_uring_prep_openat(io_uring_get_sqe(&ring_), AT_FDCWD, "/dev/null", O_RDONLY, 0);
  EXPECT_EQ(Result(), -EACCES);
}

TEST_F(RingRestrictionsTest, FilesCannotBeWritten) {
  io_uring_prep_write(io_uring_get_sqe(&ring_), 1, "x", 1, 0);
  EXPECT_EQ(Result(), -EACCES);
}

TEST_F(RingRestrictionsTest, OperationsOfShardsCanBeDone) {
  io_uring_prep_cancel64(io_uring_get_sqe(&ring_), 1, 0);
  EXPECT_EQ(Result(), -ENOENT);
}

TEST_F(RingRestrictionsTest, FilesCannotBeRegistered) {
  const int fd = 0;
  EXPECT_EQ(io_uring_register_files(&ring_, &fd, 1), -EACCES);
}

}  // namespace
}  // namespace sluice::engine
