// What judging a chain costs: built anew, and remembered.
//
//   bazel run --config=opt //tls:verify_bench
#include <openssl/pool.h>
#include <openssl/x509.h>

#include <memory>
#include <vector>

#include "absl/log/check.h"
#include "benchmark/benchmark.h"
#include "tls/testing/test_identities.h"
#include "tls/verify.h"

namespace sluice::tls {
namespace {

struct Judged {
  std::unique_ptr<Verifier> verifier;
  bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> chain{sk_CRYPTO_BUFFER_new_null()};
};

// A server behind one intermediate: what most upstreams present.
Judged Make(tools::KeyKind key_kind) {
  tools::CertificateSpec root = tools::CaSpec("root");
  tools::CertificateSpec intermediate = tools::CaSpec("intermediate");
  tools::CertificateSpec leaf = tools::ServerSpec({"backend.test"});
  root.key_kind = intermediate.key_kind = leaf.key_kind = key_kind;
  const auto trusted = tools::Certificate::SelfSigned(root);
  const auto middle = trusted.Issue(intermediate);
  Judged judged;
  std::vector<Problem> problems;
  judged.verifier = Verifier::Create(VerifyingSettings(trusted), &problems);
  CHECK(judged.verifier != nullptr);
  for (const std::string& der : {middle.Issue(leaf).der(), middle.der()}) {
    CHECK(bssl::PushToStack(judged.chain.get(), bssl::UniquePtr<CRYPTO_BUFFER>(CRYPTO_BUFFER_new(
                                                    reinterpret_cast<const uint8_t*>(der.data()),
                                                    der.size(), nullptr))));
  }
  return judged;
}

void BM_BuildChain(benchmark::State& state, tools::KeyKind key_kind) {
  const Judged judged = Make(key_kind);
  Moment now = Moment::Now();
  for (auto _ : state) {
    now.uptime_s += ChainCache::kAgeMaxS;  // What is remembered is never fresh.
    CHECK(judged.verifier->Verify(judged.chain.get(), now).trusted);
  }
  CHECK_EQ(judged.verifier->num_chains_built(), state.iterations());
}
BENCHMARK_CAPTURE(BM_BuildChain, rsa2048, tools::KeyKind::kRsa2048);
BENCHMARK_CAPTURE(BM_BuildChain, p256, tools::KeyKind::kP256);

void BM_RememberedChain(benchmark::State& state, tools::KeyKind key_kind) {
  const Judged judged = Make(key_kind);
  for (auto _ : state) CHECK(judged.verifier->Verify(judged.chain.get()).trusted);
  CHECK_EQ(judged.verifier->num_chains_built(), 1);
}
BENCHMARK_CAPTURE(BM_RememberedChain, rsa2048, tools::KeyKind::kRsa2048);
BENCHMARK_CAPTURE(BM_RememberedChain, p256, tools::KeyKind::kP256);

}  // namespace
}  // namespace sluice::tls
